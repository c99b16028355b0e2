import type { Connection, IndexDefinition, IndexOptions, Model, SchemaDefinition } from 'mongoose'

interface Definition {
  fields: SchemaDefinition
  indexes: readonly { keys: IndexDefinition; options?: IndexOptions }[]
  /**
   * By what the collection is spread over a sharded cluster (docs/scaling.md): every write names all of
   * it. None: it stays small, and on one shard.
   */
  shardKey?: Readonly<Record<string, 1 | 'hashed'>>
}

/**
 * A model on the host's connection, made with the host's own mongoose (8 or 9). Nothing is created
 * or indexed until the store asks for it, and a model that exists already is used as it is.
 */
export function define<T>(
  connection: Connection,
  name: string,
  collection: string,
  { fields, indexes, shardKey }: Definition,
): Model<T> {
  // Hosts have models of such names themselves.
  const registered = `express-ai-usage:${name}`
  const existing = connection.models[registered] as Model<T> | undefined
  if (existing?.collection.collectionName === collection) return existing
  const schema = new connection.base.Schema(fields, {
    collection,
    versionKey: false,
    autoIndex: false,
    autoCreate: false,
    bufferCommands: false,
    id: false,
    ...(shardKey && { shardKey }),
  })
  for (const { keys, options } of indexes) schema.index(keys, options)
  return connection.model<T>(registered, schema as never)
}
