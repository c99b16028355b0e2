import type { Connection } from 'mongoose'

/** What MongoDB notes of an operation. */
export interface Noted {
  _id: string
  ns: string
  op: string
  planSummary: string
  docsExamined: number
  nreturned?: number
  responseLength: number
  command: { aggregate?: string; pipeline?: { $match?: { user_id?: unknown } }[] }
}

/** The reads that MongoDB did in a database meanwhile. */
export async function readsDuring(
  { db }: Connection,
  work: () => Promise<unknown>,
): Promise<Noted[]> {
  if (db === undefined) throw new Error('not connected')
  // What is written would push out what is read: there is room for a megabyte.
  const filter = { op: { $in: ['query', 'command', 'getmore'] } }
  await db.command({ profile: 1, filter })
  await work()
  await db.command({ profile: 0, filter: 'unset' })
  const noted = await db.collection<Noted>('system.profile').find(filter).toArray()
  await db.dropCollection('system.profile')
  return noted
}
