import type { Model } from 'mongoose'
import { durable, isDuplicate, type Database } from './database.js'

/** A document that admins change: `revision` grows by one with every change. */
interface Revised {
  _id: string
  revision: number
}

/**
 * Puts a document in place of that of the revision before, or makes it (revision 1); false when there
 * is another by now.
 */
export function putRevision<T extends Revised>(
  db: Database,
  model: Model<T>,
  doc: T,
): Promise<boolean> {
  const documents = db.collection<Revised>(model as never)
  const { _id, revision } = doc
  if (revision === 1) return wasPut(db, documents.insertOne(doc, { writeConcern: durable }))
  const before = { _id, revision: revision - 1 }
  return wasPut(db, documents.replaceOne(before, doc, { writeConcern: durable }))
}

/** What writes of one document say they have done. */
interface Written {
  readonly matchedCount?: number
  readonly upsertedCount?: number
  readonly insertedId?: unknown
}

/** Whether a write of one document met what it was for; false when another took its `_id` first. */
export async function wasPut(db: Database, write: Promise<Written>): Promise<boolean> {
  try {
    const { matchedCount = 0, upsertedCount = 0, insertedId } = await db.within(write)
    return insertedId !== undefined || matchedCount + upsertedCount > 0
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}
