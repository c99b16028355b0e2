import type { Connection } from 'mongoose'
import type { Clock } from '../clock.js'
import { Database } from './database.js'
import { poolsOf, type Pools } from './pools.js'

/** The database, as it is seen over each connection. */
export type Databases = Readonly<Record<keyof Pools, Database>>

/** One database where all three are the same connection. */
export function databasesOf(
  given: Connection | Pools,
  clock: Clock,
  deadlineMs: number,
): Databases {
  const { admission, flushing, reading } = 'admission' in given ? given : poolsOf(given)
  const known = new Map<Connection, Database>()
  const over = (connection: Connection) => {
    const database = known.get(connection) ?? new Database(connection, clock, deadlineMs)
    known.set(connection, database)
    return database
  }
  return { admission: over(admission), flushing: over(flushing), reading: over(reading) }
}
