import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import type { Clock } from '../../clock.js'
import type { SpoolFiles } from './files.js'
import { Gatherer } from './gatherer.js'
import type { Group } from './group.js'
import { SegmentWriter } from './segment-writer.js'
import { Segments } from './segments.js'
import { Shyness, slowMs } from './shyness.js'
import type { Fsync } from './spool-options.js'

/** How long frames wait for others before they are written, ms. */
const gatherMs = 3
/** The sync begins this long after the first write that it covers, to be through within 200 ms. */
const syncAfterMs = 150
/** Or when so much has been written. */
const syncAfterBytes = 4 * 1024 * 1024
/** What is written within a turn of the event loop at most, bytes; more is written beside it. */
const nowBytes = 64 * 1024
/** How long a disk that failed is left alone, ms. */
const retryMs = 1_000

export interface LogOptions {
  readonly files: SpoolFiles
  readonly clock: Clock
  readonly directory: string
  readonly fsync: Fsync
  /** Called before a round of writing: what else is to be written. */
  readonly onRound: () => void
  /** Groups that could not be written, with a short code of why. */
  readonly onLost: (groups: readonly Group[], code: string) => void
  /** Called when groups have been written: after failures, the disk works again. */
  readonly onWritten: () => void
  /** Called when events that are only on disk may be read from there. */
  readonly onSettled: () => void
}

/** Appends what is gathered to segments, in order. */
export class Log {
  readonly gatherer = new Gatherer()
  readonly segments: Segments
  readonly #options: LogOptions
  readonly #writer: SegmentWriter
  #timer: NodeJS.Timeout | undefined
  #syncTimer: NodeJS.Timeout | undefined
  #round: Promise<void> | undefined
  #inRound: Group | undefined
  /** Could not be written within a turn. */
  #left: Group[] = []
  #isDue = false
  readonly #shyness = new Shyness()
  /** Something has been gathered since the round began. */
  #isCalled = false
  #failedAt = -Infinity
  #isOpen = false

  constructor(options: LogOptions) {
    this.#options = options
    this.segments = new Segments(options.files, options.clock, options.directory)
    const onSealed = () => this.#sealed()
    this.#writer = new SegmentWriter({ ...options, onSealed }, this.segments)
  }

  /** Whether something may be gathered for it now: not soon after a failure. */
  get isUsable(): boolean {
    return this.#options.clock.elapsed() - this.#failedAt >= retryMs
  }

  /** Whether there is a directory to write to. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** From now on there is a directory to write to. Resolves when there is a file in it, or cannot be. */
  async open(): Promise<void> {
    this.#isOpen = true
    this.#failedAt = -Infinity
    await this.#begin()
  }

  /** There is no directory to write to, until `open`. */
  fail(code: string): void {
    this.#isOpen = false
    this.#failedAt = Infinity
    const groups = [...this.#left.splice(0), ...this.gatherer.take()]
    this.#lose(groups, code)
    for (const group of groups) group.settle()
  }

  /** Whether what is gathered can be written within this turn without waiting for the disk. */
  get mayWriteNow(): boolean {
    const { gatherer } = this
    if (!this.#isOpen || this.#left.length > 0 || gatherer.bytes > nowBytes) return false
    if (!this.#writer.isIdle || this.#writer.syncingMs > slowMs) return false
    // What must be synced before it counts as kept is not written here.
    if (this.#options.fsync === 'strict') return false
    return this.#shyness.isOver(this.#options.clock.elapsed())
  }

  /**
   * Writes what is gathered to the system, which keeps it should this process die: some microseconds.
   * Only where it may, see `mayWriteNow`. False: some is left, and about to be written elsewhere.
   */
  writeNow(): boolean {
    const { clock } = this.#options
    const groups = this.gatherer.take()
    const began = clock.elapsed()
    this.#left = this.#writer.writeNow(groups)
    this.#shyness.wrote(began, clock.elapsed())
    const written = groups.length - this.#left.length
    for (const group of groups.slice(0, written)) group.settle()
    if (written > 0) this.#stored(groups)
    if (this.#left.length === 0) return true
    void this.#begin()
    return false
  }

  /** Writes what is gathered at the end of what is being done just now, or else within milliseconds. */
  scheduleNow(): void {
    if (this.#isDue) return
    if (this.#options.fsync === 'strict' || !this.#isOpen) {
      this.schedule()
      return
    }
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      if (this.gatherer.last === undefined) return
      if (this.mayWriteNow) void this.writeNow()
      else this.schedule()
    })
  }

  /** Writes what is gathered, within milliseconds. */
  schedule(): void {
    this.#isCalled = true
    if (!this.#isOpen || this.#timer !== undefined || this.#round !== undefined) return
    if (this.#options.fsync === 'strict') void this.#begin()
    else this.#timer = setTimeout(() => void this.#begin(), gatherMs)
  }

  /** Resolves when all that was gathered so far is written (`strict`: on the disk), or lost. */
  async written(): Promise<void> {
    const done = (this.gatherer.last ?? this.#left.at(-1) ?? this.#inRound)?.whenDone()
    if (done !== undefined && this.#isOpen) void this.#begin()
    await done
  }

  /** Resolves when all that was gathered so far is on the disk, as far as the policy goes, or lost. */
  async settled(): Promise<void> {
    this.#options.onRound()
    for (let tries = 0; tries < 3; tries++) {
      await this.written()
      await this.#sync()
      if (!this.#writer.isBroken) return
      await this.#begin()
    }
  }

  /** To be called now and then: what is mostly acknowledged makes room for a new segment. */
  tick(): void {
    if (this.#writer.wantsNew() && this.#isOpen) void this.#begin()
  }

  /**
   * To be called now and then: where somebody has removed the file, or taken it, there is another one.
   * Answers whether it was removed.
   */
  async check(wasTaken = false): Promise<boolean> {
    if (wasTaken) this.#writer.giveUp()
    const wasRemoved = await this.#writer.wasRemoved()
    if ((wasTaken || wasRemoved) && this.#isOpen) await this.#begin()
    return wasRemoved
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    await this.settled()
    this.#isOpen = false
    for (const timer of [this.#timer, this.#syncTimer]) clearTimeout(timer)
    await this.#round
    await this.#writer.close()
    await this.segments.close()
  }

  /** Begins a round, unless one is running; whoever is asked in it for more does not begin another. */
  #begin(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#round !== undefined) return this.#round
    let end: (() => void) | undefined
    this.#round = new Promise((resolve) => (end = resolve))
    void this.#run().finally(() => {
      this.#round = undefined
      if (this.#isCalled) this.schedule()
      end?.()
    })
    return this.#round
  }

  async #run(): Promise<void> {
    // Not in the turn of whoever appended: others may come along.
    if (this.#options.fsync === 'strict') await new Promise((resolve) => setImmediate(resolve))
    do {
      this.#isCalled = false
      this.#options.onRound()
      const groups = [...this.#left.splice(0), ...this.gatherer.take()]
      this.#inRound = groups.at(-1)
      const { written, lost, code } = await this.#writer.store(groups)
      this.#inRound = undefined
      if (lost.length > 0) {
        this.#failedAt = this.#options.clock.elapsed()
        this.#lose(lost, code)
      }
      for (const group of groups) group.settle()
      if (written > 0) this.#stored(groups)
    } while (this.gatherer.last?.isAwaited === true)
  }

  #stored(groups: readonly Group[]): void {
    this.#options.onWritten()
    if (this.#options.fsync !== 'interval') {
      if (groups.some(({ ranges }) => ranges.length > 0)) this.#options.onSettled()
      return
    }
    if (this.#writer.unsyncedBytes >= syncAfterBytes) void this.#sync()
    if (this.#syncTimer !== undefined || this.#writer.unsyncedBytes === 0) return
    this.#syncTimer = setTimeout(() => {
      this.#syncTimer = undefined
      void this.#sync()
    }, syncAfterMs).unref()
  }

  #sealed(): void {
    if (this.#writer.isBroken) this.schedule()
    else this.#options.onSettled()
  }

  /** What cannot be brought to the disk is written again, to another segment. */
  async #sync(): Promise<void> {
    if (await this.#writer.sync()) this.#options.onSettled()
    else if (this.#isOpen) void this.#begin()
  }

  #lose(groups: readonly Group[], code: string): void {
    for (const group of groups) group.isLost = true
    this.#options.onLost(groups, code)
    for (const group of groups) group.free()
  }
}
