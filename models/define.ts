import type { Connection, IndexDefinition, IndexOptions, Model, SchemaDefinition } from 'mongoose'

interface Definition {
  fields: SchemaDefinition
  indexes: readonly { keys: IndexDefinition; options?: IndexOptions }[]
}

/**
 * A model on the host's connection, made with the host's own mongoose (8 or 9). Nothing is created
 * or indexed until the store asks for it, and a model that exists already is used as it is.
 */
export function define<T>(
  connection: Connection,
  name: string,
  collection: string,
  { fields, indexes }: Definition,
): Model<T> {
  const existing = connection.models[name] as Model<T> | undefined
  if (existing?.collection.collectionName === collection) return existing
  const schema = new connection.base.Schema(fields, {
    collection,
    versionKey: false,
    autoIndex: false,
    autoCreate: false,
    bufferCommands: false,
    id: false,
  })
  for (const { keys, options } of indexes) schema.index(keys, options)
  return connection.model<T>(name, schema as never)
}
