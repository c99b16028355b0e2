import type { Connection } from 'mongoose'
import type { Command } from '../security/commands.js'

/** The shard keys of the collections that have one, by name; the fields in their order. */
export function shardKeysOf(connection: Connection): Map<string, Record<string, unknown>> {
  const keys = new Map<string, Record<string, unknown>>()
  for (const { schema, collection } of Object.values(connection.models)) {
    const key = schema.get('shardKey')
    if (key) keys.set(collection.collectionName, key)
  }
  return keys
}

const writes = ['insert', 'update', 'delete', 'findAndModify']
const reads = ['find', 'aggregate']
const forbidden = ['$where', '$function', '$accumulator', '$out', '$merge']

type Fields = Readonly<Record<string, unknown>>
const listOf = (value: unknown) => (Array.isArray(value) ? (value as Fields[]) : [])

/** What a router would refuse of a command, or would have to send to more than one shard. */
export function faultsOf({ name, body }: Command, keys: ReadonlyMap<string, object>): string[] {
  const faults: string[] = []
  const fields = Object.keys(keys.get(String(body[name])) ?? { _id: 1 })
  const isTargeted = (filter: unknown) => fields.every((field) => isEqual(filter, field))
  for (const { q, multi } of listOf(body.updates)) {
    if (!isTargeted(q)) faults.push('an update without the shard key')
    if (multi) faults.push('an update of several')
  }
  for (const { q, limit } of listOf(body.deletes)) {
    if (!isTargeted(q)) faults.push('a delete without the shard key')
    if (limit !== 1) faults.push('a delete of several')
  }
  if (name === 'findAndModify' && !isTargeted(body.query)) faults.push('without the shard key')
  for (const document of listOf(body.documents)) {
    if (document._id === undefined) faults.push('a document without _id')
  }
  if (listOf(body.indexes).some(({ unique }) => unique)) faults.push('a unique index')
  const text = JSON.stringify(body)
  faults.push(...forbidden.filter((word) => text.includes(`"${word}"`)))
  if (writes.includes(name) && Reflect.get(Object(body.writeConcern), 'w') !== 'majority')
    faults.push('no write concern')
  if (reads.includes(name) && Reflect.get(Object(body.readConcern), 'level') === undefined)
    faults.push('no read concern')
  return faults
}

/** Whether a filter says what a field is. */
function isEqual(filter: unknown, field: string): boolean {
  const value: unknown = Reflect.get(Object(filter), field)
  if (typeof value !== 'object' || value === null) return value !== undefined
  return '$eq' in value
}

/** What of an explained command is not to be on the way of a request. */
export function stagesOf(plan: unknown): string[] {
  if (Array.isArray(plan)) return plan.flatMap(stagesOf)
  if (typeof plan !== 'object' || plan === null) return []
  const { stage, rejectedPlans: _, ...more } = plan as Record<string, unknown>
  return [...(typeof stage === 'string' ? [stage] : []), ...Object.values(more).flatMap(stagesOf)]
}

/** Commands to have explained: those of a batch one by one, without what belongs to a session. */
export function explicable({ name, body }: Command): Fields[] {
  const { updates, deletes, query, ...rest } = body
  const plain = Object.fromEntries(
    Object.entries(rest).filter(
      ([key]) => !/^(\$|lsid|txnNumber|writeConcern|readConcern|ordered|stmtId)/.test(key),
    ),
  )
  const of = { [name]: body[name] }
  if (updates) return listOf(updates).map((one) => ({ ...of, updates: [one] }))
  if (deletes) return listOf(deletes).map((one) => ({ ...of, deletes: [one] }))
  return [{ ...of, ...plain, ...(query !== undefined && { query }) }]
}
