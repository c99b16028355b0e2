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

interface WriteError {
  index: number
  code: number
}

/** Reads the driver's error of an unordered insert. */
export function outcomeOfInsertError(error: unknown, ids: readonly string[]): WriteOutcome {
  if (!(error instanceof Error)) return { outcome: 'retry', reason: 'unknown' }
  if (/^BSON|^MongoInvalidArgument/.test(error.name) || error instanceof RangeError) {
    return { outcome: 'poisoned', code: 'unserializable' }
  }
  const writeErrors = writeErrorsOf(error)
  if (writeErrors.length === 0 || hasWriteConcernError(error)) {
    const code = poisonCodes.get(Number('code' in error ? error.code : undefined))
    return code === undefined || hasWriteConcernError(error)
      ? { outcome: 'retry', reason: error.name }
      : { outcome: 'poisoned', code }
  }
  const duplicates: string[] = []
  const refused: { index: number; code: string }[] = []
  for (const { index, code } of writeErrors) {
    const poison = poisonCodes.get(code)
    if (code === 11000) duplicates.push(ids[index] ?? '')
    else if (poison !== undefined) refused.push({ index, code: poison })
    else return { outcome: 'retry', reason: `write error ${code}` }
  }
  return { outcome: 'settled', duplicates, refused }
}

function writeErrorsOf(error: Error): WriteError[] {
  const list: unknown = 'writeErrors' in error ? error.writeErrors : []
  const errors: unknown[] = Array.isArray(list) ? list : [list]
  return errors.flatMap((one) => {
    if (typeof one !== 'object' || one === null || !('index' in one) || !('code' in one)) return []
    return [{ index: Number(one.index), code: Number(one.code) }]
  })
}

function hasWriteConcernError(error: Error): boolean {
  const result: unknown = 'result' in error ? error.result : undefined
  if (typeof result !== 'object' || result === null) return false
  if ('getWriteConcernError' in result && typeof result.getWriteConcernError === 'function') {
    return Boolean(Reflect.apply(result.getWriteConcernError, result, []))
  }
  return false
}
