import { clearTimeout, setTimeout } from 'node:timers'
import type { Delivery } from './delivery.js'
import type { Entry, LiveQueue } from './live-queue.js'
import type { Pace } from './pace.js'
import type { BatchResult } from './writer.js'

export interface LiveLaneOptions {
  readonly queue: LiveQueue
  readonly delivery: Delivery
  readonly pace: Pace
  /** Monotonic ms. */
  readonly elapsed: () => number
  /** Events written at once at most. */
  readonly batchSize: number
  /** How long the first of a batch waits for others, ms. */
  readonly lingerMs: number
  readonly onResult: (result: BatchResult) => Promise<void>
  /** The event is through: stored, or refused for good. */
  readonly onThrough: (entry: Entry) => void
}

/** Sends what is in memory, one batch at a time: when there are enough for one, or have waited enough. */
export class LiveLane {
  readonly #options: LiveLaneOptions
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** Somebody waits for what is there to be through. */
  #hurries = 0
  #isStopped = false

  constructor(options: LiveLaneOptions) {
    this.#options = options
  }

  /** The sending that is under way, if any. */
  get running(): Promise<void> | undefined {
    return this.#running
  }

  push(entry: Entry): void {
    const { queue, batchSize } = this.#options
    queue.push(entry)
    if (queue.length >= batchSize) this.#start()
    else if (this.#running === undefined) this.#startSoon()
  }

  /** Sends without waiting for more, until it is over. */
  async hurry(until: Promise<void>): Promise<void> {
    this.#hurries += 1
    this.#start()
    this.#options.delivery.wake()
    await until
    this.#hurries -= 1
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#options.delivery.stop()
  }

  #startSoon(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    this.#timer = setTimeout(() => this.#start(), this.#options.lingerMs)
    this.#timer.unref()
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#running !== undefined || this.#options.queue.length === 0) return
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const { queue, batchSize } = this.#options
    do {
      if (this.#isStopped || !(await this.#send())) return
    } while (queue.length >= batchSize || (this.#hurries > 0 && queue.length > 0))
    this.#running = undefined
    if (queue.length > 0) this.#startSoon()
  }

  /** False when it was stopped before the batch was through. */
  async #send(): Promise<boolean> {
    const { queue, delivery, pace, batchSize, elapsed, onResult, onThrough } = this.#options
    const entries = queue.take(pace.take('live', batchSize))
    const began = elapsed()
    const result = await delivery.deliver(entries.map(({ event }) => event))
    if (result === undefined) return false
    await onResult(result)
    queue.done()
    for (const entry of entries) onThrough(entry)
    const restMs = pace.rest('live', elapsed() - began)
    if (restMs > 0 && !this.#isStopped) await delivery.pause(restMs)
    return true
  }
}
