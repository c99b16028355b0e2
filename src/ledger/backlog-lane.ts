import type { Delivery } from './delivery.js'
import type { Pace } from './pace.js'
import type { BatchResult } from './writer.js'
import type { Batch, BatchSource } from './spool/batch.js'

/** How long a batch gives way to fresh events at most, ms: it must get on too. */
const giveWayMs = 250
/** After the disk has failed to give a batch, ms. */
const retryMs = 1_000

export interface BacklogLaneOptions {
  readonly source: BatchSource
  readonly delivery: Delivery
  readonly pace: Pace
  /** Monotonic ms. */
  readonly elapsed: () => number
  readonly batchSize: number
  /** Resolves when fresh events need the database less; undefined when they do not need it now. */
  readonly quiet: () => Promise<void> | undefined
  readonly onResult: (result: BatchResult) => Promise<void>
  readonly onReadError: (error: unknown) => void
}

/** Sends what is on disk only, beside the fresh events, one batch at a time. */
export class BacklogLane {
  readonly #options: BacklogLaneOptions
  #running: Promise<void> | undefined
  /** Somebody has called since the source was asked last. */
  #isCalled = false
  #isStopped = false

  constructor(options: BacklogLaneOptions) {
    this.#options = options
  }

  /** To be called whenever there may be something. */
  start(): void {
    this.#isCalled = true
    if (this.#isStopped) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#wasCalled()) this.start()
    })
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Resolves when nothing is being sent. */
  async ended(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    let sending: Promise<void> | undefined
    while (!this.#isStopped) {
      this.#isCalled = false
      const batch = await this.#read()
      // One is read while the one before it is sent.
      await sending
      if (batch !== undefined) {
        await this.#giveWay()
        sending = this.#send(batch)
      } else if (sending !== undefined || this.#wasCalled()) {
        // What the last one has left behind may be there now.
        sending = undefined
      } else {
        return
      }
    }
    await sending
  }

  #wasStopped(): boolean {
    return this.#isStopped
  }

  #wasCalled(): boolean {
    return this.#isCalled
  }

  async #read(): Promise<Batch | undefined> {
    const { source, pace, batchSize } = this.#options
    while (!this.#isStopped) {
      try {
        return await source(pace.take('late', batchSize))
      } catch (error) {
        this.#options.onReadError(error)
        await this.#options.delivery.pause(retryMs)
      }
    }
    return undefined
  }

  async #giveWay(): Promise<void> {
    const quiet = this.#options.quiet()
    if (quiet !== undefined) {
      await Promise.race([quiet, this.#options.delivery.pause(giveWayMs)])
    }
  }

  async #send({ events, settle }: Batch): Promise<void> {
    const { delivery, pace, onResult, elapsed } = this.#options
    if (this.#isStopped) return
    const began = elapsed()
    if (events.length > 0) {
      const result = await delivery.deliver(events)
      if (result === undefined) return
      await onResult(result)
    }
    await settle()
    const restMs = pace.rest('late', elapsed() - began)
    if (restMs > 0 && !this.#wasStopped()) await delivery.pause(restMs)
  }
}
