import type { RollupFigures } from '../rollup/documents.js'

/** Whose documents: one user's, some users', the global ones, or all there are. */
export type Who = { user_id: string } | { user_ids: readonly string[] } | 'global' | 'all'

export function whoFilter(who: Who) {
  if (who === 'global') return { scope: 'global', user_id: null }
  if (who === 'all') return {}
  if ('user_ids' in who) return { scope: 'user', user_id: { $in: [...who.user_ids] } }
  return { scope: 'user', user_id: { $eq: who.user_id } }
}

/** What is not final yet. */
export const notSealed = { sealed: { $exists: false } } as const

/** The whole shard key, so that a router sends a write to one shard; what is of everybody has no user. */
export function keyOf({ _id, user_id = null }: { _id: string; user_id?: string | null }) {
  return { _id, user_id } as { _id: string; user_id: string }
}

/** Matches what was not computed from more than `doc` was. */
export function notNewerThan(doc: RollupFigures) {
  return [
    { last_recorded_at: { $lt: doc.last_recorded_at } },
    {
      last_recorded_at: doc.last_recorded_at,
      total_operations: { $lte: doc.total_operations },
      price_revisions: { $not: { $gt: doc.price_revisions ?? 0 } },
      ...(doc.unique_users !== undefined && { unique_users: { $lte: doc.unique_users } }),
    },
  ]
}

/** Whether nothing failed but upserts that gave way to a newer document. */
export function onlyDuplicates(error: unknown): boolean {
  if (!(error instanceof Error) || !('writeErrors' in error)) return false
  const list: unknown = error.writeErrors
  const errors: unknown[] = Array.isArray(list) ? list : [list]
  return errors.every((one) => (one as { code?: number }).code === 11000)
}
