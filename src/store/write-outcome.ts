/** What became of a batch of documents. Callers branch on `outcome`. */
export type WriteOutcome =
  /** Every document is stored, was stored before, or is named as refused. */
  | { outcome: 'settled'; duplicates: string[]; refused: { index: number; code: string }[] }
  /** The batch as a whole cannot be sent because of something in it. */
  | { outcome: 'poisoned'; code: string }
  /** Nothing is certain: send it again. */
  | { outcome: 'retry'; reason: string }

/** MongoDB's codes for "this document itself cannot be stored". */
const poisonCodes = new Map<number, string>([
  [2, 'bad_value'],
  [22, 'invalid_bson'],
  [52, 'dollar_prefixed_field'],
  [55, 'invalid_dbref'],
  [121, 'document_validation'],
  [10334, 'too_large'],
  [17280, 'key_too_large'],
])

/** Reads MongoDB's reply to an unordered insert. */
export function outcomeOfInsert(
  reply: Record<string, unknown>,
  idOf: (index: number) => string,
): WriteOutcome {
  if (reply.writeConcernError !== undefined) return { outcome: 'retry', reason: 'write concern' }
  const duplicates: string[] = []
  const refused: { index: number; code: string }[] = []
  for (const { index, code } of writeErrorsOf(reply)) {
    const poison = poisonCodes.get(code)
    if (code === 11000) duplicates.push(idOf(index))
    else if (poison !== undefined) refused.push({ index, code: poison })
    else return { outcome: 'retry', reason: `write error ${code}` }
  }
  return { outcome: 'settled', duplicates, refused }
}

/** Reads why an insert could not be sent, or was refused as a whole. */
export function outcomeOfError(error: unknown): WriteOutcome {
  if (!(error instanceof Error)) return { outcome: 'retry', reason: 'unknown' }
  if (/^BSON|^MongoInvalidArgument/.test(error.name) || error instanceof RangeError) {
    return { outcome: 'poisoned', code: 'unserializable' }
  }
  const code = poisonCodes.get(Number('code' in error ? error.code : undefined))
  return code === undefined
    ? { outcome: 'retry', reason: error.name }
    : { outcome: 'poisoned', code }
}

/** What a reply says of single documents that were not written. */
export function writeErrorsOf({ writeErrors }: Record<string, unknown>) {
  const errors: unknown[] = Array.isArray(writeErrors) ? writeErrors : []
  return errors.flatMap((one) => {
    if (typeof one !== 'object' || one === null || !('index' in one) || !('code' in one)) return []
    return [{ index: Number(one.index), code: Number(one.code) }]
  })
}
