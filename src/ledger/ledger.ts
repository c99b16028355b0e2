import type { Begun } from '../capture/capture.js'
import type { Clock } from '../clock.js'
import { within } from '../deadline.js'
import type { UnrecordedEvent } from '../event.js'
import type { Logger } from '../logger.js'
import { RefusedEvents, type PutAside } from './refused-events.js'
import { BacklogLane } from './backlog-lane.js'
import { Delivery } from './delivery.js'
import { Epochs } from './epochs.js'
import { LedgerCounts } from './ledger-counts.js'
import type { LedgerStats } from './ledger-stats.js'
import { LiveLane } from './live-lane.js'
import { LiveQueue } from './live-queue.js'
import { Pace } from './pace.js'
import type { Rewriting } from './spool/dead-letters.js'
import type { StartFacts } from './spool/event-json.js'
import { codeOf, type SpoolFiles } from './spool/files.js'
import type { SpoolConfig } from './spool/spool-options.js'
import { Spool } from './spool/spool.js'
import type { BatchResult, LedgerDoor } from './writer.js'

/** How long putting what is left on disk may take, ms. */
const closeMs = 1_000

export interface LedgerOptions {
  door: LedgerDoor
  clock: Clock
  logger: Logger
  /** Events held in memory at most; beyond it new ones are dropped, counted and reported. */
  maxEvents: number
  /** Events written at once at most. */
  batchSize: number
  /** How long the first of a batch waits for others, ms. */
  lingerMs: number
  /** The disk behind it. Without, what waits is in memory only. */
  spool?: SpoolConfig | false
  /** For tests: the file system. */
  files?: SpoolFiles
  onWritten: (result: BatchResult) => void
}

/**
 * Accepted events on their way to `usage_logs`, each exactly once: written in batches, idempotent by
 * `_id`. An event leaves only when a majority of MongoDB has it; until then it stands in memory, on
 * disk (see spool/spool.ts), or mostly on both.
 */
export class Ledger {
  readonly #options: LedgerOptions
  readonly #epochs = new Epochs()
  readonly #counts: LedgerCounts
  readonly #queue: LiveQueue
  readonly #pace: Pace
  readonly #live: LiveLane
  readonly #late: Delivery
  readonly #spool: Spool | undefined
  readonly #refused: RefusedEvents
  readonly #backlog: BacklogLane
  #closed = false

  constructor(options: LedgerOptions) {
    const { door, clock, maxEvents, spool } = options
    this.#options = options
    this.#counts = new LedgerCounts(options)
    const add: PutAside = async (refused) => this.#spool?.aside.add(refused, clock.now())
    this.#refused = new RefusedEvents(add, this.#counts)
    this.#queue = new LiveQueue(maxEvents, Boolean(spool))
    const elapsed = () => clock.elapsed()
    this.#pace = new Pace({ accepted: () => this.#counts.accepted, elapsed })
    this.#live = this.#createLive(this.#createDelivery(door))
    this.#late = this.#createDelivery(door)
    this.#backlog = this.#createBacklog()
    this.#spool = spool ? this.#createSpool(spool) : undefined
  }

  /** Takes an event; false if there was no room. `running` is its operation, as `begin` gave it. */
  accept(event: UnrecordedEvent, running?: Begun): boolean {
    if (this.#closed) return this.dropped()
    const epoch = this.#epochs.enter()
    const at = this.#options.clock.elapsed()
    const spill = this.#queue.isSpilling ? { epoch, at } : undefined
    const group = this.#spool?.append(event, spill)
    if (group === undefined && !this.#hasRoomInMemory(0)) {
      this.#epochs.settle(epoch)
      return this.dropped()
    }
    this.#counts.accepted += 1
    if (group === undefined || spill === undefined) this.#live.push({ event, epoch, at, group })
    if (running?.id === event._id) running.ended()
    return true
  }

  /** An operation runs: should the process die once `noteBegun` was called, that much is known. */
  begin(id: string, facts: () => StartFacts): Begun | undefined {
    return this.#closed ? undefined : this.#spool?.begin(id, facts)
  }

  /** Notes on disk what has begun: at once, or, where the disk has to be waited for, soon. */
  noteBegun(): Promise<void> | undefined {
    return this.#spool?.noteBegun()
  }

  /** Counts an event that was lost before it could be accepted. */
  dropped(): false {
    this.#counts.lost()
    return false
  }

  /** Whether there would be room for an event, with so many others on their way. */
  hasRoom(others: number): boolean {
    const isOnDisk = this.#spool !== undefined && this.#spool.durability !== 'memory'
    return isOnDisk ? others < this.#options.maxEvents : this.#hasRoomInMemory(others)
  }

  get depth(): number {
    return this.#queue.size + (this.#spool?.depth ?? 0) + this.#refused.held
  }

  get maxEvents(): number {
    return this.#options.maxEvents
  }

  stats(): LedgerStats {
    const { accepted, stored, duplicates, refused, dropped, retries } = this.#counts
    const oldestAt = this.#queue.oldestAt
    const inMemoryMs = oldestAt === undefined ? 0 : this.#options.clock.elapsed() - oldestAt
    return {
      depth: this.depth,
      in_memory: this.#queue.size,
      oldest_ms: Math.round(Math.max(inMemoryMs, this.#spool?.oldestMs ?? 0)),
      bytes: this.#spool?.bytes ?? 0,
      durability: this.#spool?.durability ?? 'memory',
      ...{ accepted, stored, duplicates, refused, dropped, retries },
      damaged: this.#spool?.damaged ?? 0,
    }
  }

  /** Resolves when what was accepted so far is as safe as the spool makes it before it is stored. */
  async durable(): Promise<void> {
    await this.#spool?.written()
  }

  /** Resolves when what runs is noted on disk from its beginning, where there is one. */
  async opened(): Promise<void> {
    await this.#spool?.opened()
  }

  /** Rewrites what was put aside; answers the codes of failures. Never rejects. */
  async rewriteAside(rewriting: Rewriting): Promise<readonly string[]> {
    return (await this.#spool?.aside.rewrite(rewriting)) ?? []
  }

  /** Takes over what dead processes have left on disk for the database of this name. */
  async takeOver(identify: () => Promise<string>): Promise<void> {
    await this.#spool?.takeOver(identify)
  }

  /** Resolves when every event accepted so far is in `usage_logs` (or refused by it for good). */
  flush(): Promise<void> {
    const settled = this.#epochs.settled()
    void this.#live.hurry(settled)
    this.#late.wake()
    if (this.#spool && this.#spool.depth > 0) void this.#spool.settled()
    return settled
  }

  /** Takes nothing more, and stops trying. What is left is counted by `depth`. */
  stop(): void {
    this.#closed = true
    this.#backlog.stop()
    this.#live.stop()
    this.#late.stop()
  }

  /** Stops, and puts what is left on disk, for whoever comes next; answers how many are nowhere then. */
  async close(): Promise<number> {
    this.stop()
    // What the log has just taken must not be left to others.
    await within(Promise.all([this.#backlog.ended(), this.#live.running]), closeMs)
    await within(this.#refused.put([]), closeMs)
    this.#spoolAgain()
    if (this.#spool) await within(this.#spool.close(), closeMs)
    const lost = this.#queue.giveUp() + this.#refused.giveUp() + (this.#spool?.giveUp() ?? 0)
    if (lost > 0) this.#counts.endedWith(lost)
    return lost
  }

  #hasRoomInMemory(others: number): boolean {
    const isDemanded = this.#spool?.isDemanded ?? false
    return !isDemanded && this.#queue.size + others < this.#options.maxEvents
  }

  async #settle(result: BatchResult): Promise<void> {
    if (result.refused.length > 0 || this.#refused.held > 0) await this.#refused.put(result.refused)
    this.#counts.written(result)
    this.#options.onWritten(result)
  }

  #createSpool(config: SpoolConfig): Spool {
    const { clock, logger, files } = this.#options
    return new Spool({
      ...{ config, clock, logger, files, epochs: this.#epochs },
      onReturned: (event, epoch, at) => this.#live.push({ event, epoch, at, group: undefined }),
      onRecovered: () => this.#spoolAgain(),
      onGone: (count) => this.#counts.gone(count),
      onBacklog: () => this.#backlog.start(),
    })
  }

  /** What is in memory only goes to the disk, where that takes it again. */
  #spoolAgain(): void {
    this.#queue.spool((event) => this.#spool?.append(event))
  }

  #createDelivery(door: LedgerDoor): Delivery {
    return new Delivery({
      door,
      onRetry: (reason) => this.#counts.retried(reason),
      onRecovered: () => this.#pace.recovered(),
    })
  }

  #createLive(delivery: Delivery): LiveLane {
    const { batchSize, lingerMs, clock } = this.#options
    return new LiveLane({
      ...{ queue: this.#queue, delivery, pace: this.#pace, batchSize, lingerMs },
      elapsed: () => clock.elapsed(),
      onResult: (result) => this.#settle(result),
      onThrough: ({ epoch, group }) => {
        group?.release()
        this.#epochs.settle(epoch)
      },
    })
  }

  #createBacklog(): BacklogLane {
    const { batchSize, clock } = this.#options
    return new BacklogLane({
      source: async (max) => this.#spool?.next(max),
      ...{ delivery: this.#late, pace: this.#pace, batchSize },
      elapsed: () => clock.elapsed(),
      quiet: () => {
        const isBehind = this.#queue.length > this.#pace.take('live', batchSize)
        return isBehind ? this.#live.running : undefined
      },
      onResult: (result) => this.#settle(result),
      onReadError: (error) => this.#counts.diskFailed(codeOf(error)),
    })
  }
}
