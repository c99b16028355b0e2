import { clearTimeout, setTimeout } from 'node:timers'
import type { Connection, Model } from 'mongoose'
import type { Clock } from '../clock.js'
import { UsageError } from '../errors.js'

/** What must not be lost once it was answered for: a majority has it on disk. */
export const durable = { w: 'majority', journal: true } as const

/**
 * Whatever a connection's URI says: rollups and log are read as of the same server, and what is read
 * is not undone when another one takes over.
 */
const explicit = {
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  writeConcern: durable,
} as const

type Native<T extends { _id: string }> = ReturnType<typeof nativeCollection<T>>

function nativeCollection<T extends { _id: string }>(connection: Connection, name: string) {
  const db = connection.db
  if (db === undefined) throw new UsageError('store_unavailable', 'MongoDB is not connected')
  return db.collection<T>(name, explicit)
}

type Read = (what?: object, options?: object) => unknown

/** A query that nobody waits for any more would go on in the database, and many would wear it out. */
function endingReads<T extends object>(collection: T, maxTimeMS: number): T {
  for (const name of ['find', 'findOne', 'aggregate']) {
    const read = Reflect.get(collection, name) as Read
    const ending: Read = (what, options) => read.call(collection, what, { maxTimeMS, ...options })
    Object.defineProperty(collection, name, { value: ending })
  }
  return collection
}

/** A cursor, as `batches` reads it. */
export interface Batched<T> {
  hasNext(): Promise<boolean>
  readBufferedDocuments(): T[]
  close(): Promise<void>
}

/** How often the offset to the database's clock is measured again. */
const calibrateEveryMs = 60_000

/** A connection, the deadline on what is asked of it, and the database's clock. */
export class Database {
  readonly connection: Connection
  readonly #clock: Clock
  readonly #deadlineMs: number
  #serverAtZero: number | undefined
  #calibratedAt = 0

  constructor(connection: Connection, clock: Clock, deadlineMs: number) {
    this.connection = connection
    this.#clock = clock
    this.#deadlineMs = deadlineMs
  }

  /**
   * The driver's own collection: no casting, no second buffer. Its reads end in the database, too,
   * when the deadline is over; by default that of `within`. Throws `store_unavailable`.
   */
  collection<T extends { _id: string }>(model: Model<T>, deadlineMs = this.#deadlineMs): Native<T> {
    const collection = nativeCollection<T>(this.connection, model.collection.collectionName)
    return Number.isFinite(deadlineMs) ? endingReads(collection, deadlineMs) : collection
  }

  /**
   * The database's wall clock, carried on by our monotonic one: `recorded_at` must not depend on
   * an instance's own idea of the time.
   */
  async serverNow(): Promise<Date> {
    const elapsed = this.#clock.elapsed()
    if (this.#serverAtZero === undefined || elapsed - this.#calibratedAt > calibrateEveryMs) {
      const reply = await this.command({ hello: 1 })
      const localTime: unknown = reply.localTime
      if (localTime instanceof Date) this.#serverAtZero = localTime.getTime() - elapsed
      this.#calibratedAt = elapsed
    }
    return new Date((this.#serverAtZero ?? this.#clock.now() - elapsed) + elapsed)
  }

  /** How far this machine's clock is ahead of the server's, as far as that is known without asking, ms. */
  get aheadMs(): number {
    if (this.#serverAtZero === undefined) return 0
    return this.#clock.now() - this.#serverAtZero - this.#clock.elapsed()
  }

  /** Whether it is neither part of a replica set nor the router of a sharded cluster. */
  async isStandalone(): Promise<boolean> {
    const { setName, msg } = await this.command({ hello: 1 })
    return setName === undefined && msg !== 'isdbgrid'
  }

  /** What a cursor gives, as it comes; whoever stops taking ends it. Each wait is bounded like `within`. */
  async *batches<T>(cursor: Batched<T>): AsyncGenerator<T[]> {
    try {
      while (await this.within(cursor.hasNext())) yield cursor.readBufferedDocuments()
    } finally {
      await cursor.close()
    }
  }

  async command(command: Record<string, unknown>): Promise<Record<string, unknown>> {
    return this.within(this.write(command))
  }

  /** A command without a deadline of ours: whether a write went through must be waited for. */
  async write(command: Record<string, unknown>): Promise<Record<string, unknown>> {
    const db = this.connection.db
    if (db === undefined) throw new UsageError('store_unavailable', 'MongoDB is not connected')
    return db.command(command)
  }

  /** Bounds a read: a database that hangs is a database that is down. Throws `store_unavailable`. */
  async within<T>(work: Promise<T>, deadlineMs = this.#deadlineMs): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new UsageError('store_unavailable', `MongoDB gave no answer within ${deadlineMs} ms`),
        )
      }, deadlineMs)
      timer.unref()
    })
    try {
      return await Promise.race([work, deadline])
    } catch (error) {
      throw isOutage(error)
        ? new UsageError('store_unavailable', 'MongoDB is unavailable', { cause: error })
        : error
    } finally {
      clearTimeout(timer)
    }
  }
}

const outageNames =
  /^Mongo(?:Network|ServerSelection|PoolCleared|NotConnected|TopologyClosed|WaitQueue|ClientClosed|OperationTimeout|Expired)/

/** MongoDB ended a read whose time was over. */
const maxTimeExpired = 50

function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // What the system says of a connection comes from the driver as it is at times.
  if (outageNames.test(error.name) || 'syscall' in error) return true
  if ('code' in error && error.code === maxTimeExpired) return true
  return 'errorLabels' in error && String(error.errorLabels).includes('RetryableWriteError')
}

/** Another document has that key already. */
export function isDuplicate(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 11000
}
