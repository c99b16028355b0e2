type Find<T> = (which: object, sort: Record<string, -1>, limit: number) => Promise<T[]>

/**
 * A page of documents, newest first, ties by `_id` from the last. The index ends with the time, and MongoDB
 * reads all there is to sort by more than an index has: only what shares its time with others is sorted so.
 */
export async function newestFirst<K extends string, T extends Record<K, Date>>(
  field: K,
  conditions: readonly object[],
  limit: number,
  find: Find<T>,
): Promise<T[]> {
  const all = (more: readonly object[]) => (more.length > 0 ? { $and: more } : {})
  const found = await find(all(conditions), { [field]: -1 }, limit + 1)
  const times = found.map((one) => one[field].getTime())
  if (times.every((time, index) => time !== times[index + 1])) return found.slice(0, limit)
  const oldest = found[Math.min(limit, found.length) - 1]?.[field]
  const which = all([...conditions, { [field]: { $gte: oldest } }])
  return find(which, { [field]: -1, _id: -1 }, limit)
}

/** What comes after a document, newest first; the first of these is for the index. */
export function beyond(field: string, time: Date, id: string) {
  return [{ [field]: { $lte: time } }, { $or: [{ [field]: { $lt: time } }, { _id: { $lt: id } }] }]
}
