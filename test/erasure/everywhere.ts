import type { Connection } from 'mongoose'

/** The documents of every collection that hold a text, as text. */
export async function documentsWith(connection: Connection, text: string): Promise<string[]> {
  const collections = (await connection.db?.collections()) ?? []
  const found: string[] = []
  for (const collection of collections) {
    for (const doc of await collection.find().toArray()) {
      const json = `${collection.collectionName} ${JSON.stringify(doc)}`
      if (json.includes(text)) found.push(json)
    }
  }
  return found
}
