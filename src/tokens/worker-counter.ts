import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import {
  prepare,
  tokenCount,
  type CountRequest,
  type PreparedRequest,
  type TokenCount,
} from './prepare.js'
import type { CountJob, CountResult } from './worker.js'
import { WorkerLink } from './worker-link.js'

/** What the worker is given at once: what it loses when it ends, and what posting costs this thread. */
const maxPostedBytes = 2 * 1024 * 1024
const maxPostedJobs = 256
/** How long after a cancellation a worker that says nothing is taken to be stuck. */
const stuckMs = 5000
const dropLogMs = 60_000

export interface WorkerCounterConfig {
  logger: Logger
  clock: Clock
  deadlineMs: number
  maxQueuedBytes: number
  idleMs: number
}

interface Pending {
  id: number
  request: PreparedRequest
  resolve: (count: TokenCount | null) => void
  timer: NodeJS.Timeout
  isSettled: boolean
  /** It was with a worker that ended: once more, alone, and then no more. */
  isSuspect: boolean
}

/** The queue in front of the worker: bounded, in order, each count with a deadline. */
export class WorkerCounter {
  readonly #config: WorkerCounterConfig
  readonly #link: WorkerLink
  #waiting = new Map<number, Pending>()
  readonly #posted = new Map<number, Pending>()
  #postedBytes = 0
  #nextId = 1
  #isPumpDue = false
  #closing: Promise<void> | undefined
  #lastDropLog = Number.NEGATIVE_INFINITY
  #unloggedDrops = 0
  #queued = 0
  #queuedBytes = 0
  #counted = 0
  #dropped = 0

  constructor(config: WorkerCounterConfig) {
    this.#config = config
    this.#link = new WorkerLink({
      logger: config.logger,
      idleMs: config.idleMs,
      onResults: (results) => this.#takeResults(results),
      onLost: () => this.#takeLoss(),
      onRetry: () => this.#pump(),
    })
  }

  count(request: CountRequest): Promise<TokenCount | null> {
    let prepared: PreparedRequest
    try {
      prepared = prepare(request)
    } catch {
      return Promise.resolve(this.#drop('not a request'))
    }
    if (this.#closing) return Promise.resolve(this.#drop('closed'))
    if (prepared.bytes === 0) {
      this.#counted += 1
      return Promise.resolve(tokenCount(prepared, { input: 0, output: 0 }))
    }
    if (this.#queuedBytes + prepared.bytes > this.#config.maxQueuedBytes) {
      return Promise.resolve(this.#drop('queue full'))
    }
    if (this.#link.isBroken) return Promise.resolve(this.#drop('no worker'))
    return new Promise((resolve) => this.#enqueue(prepared, resolve))
  }

  stats() {
    return {
      queued: this.#queued,
      queued_bytes: this.#queuedBytes,
      counted: this.#counted,
      dropped: this.#dropped,
      restarts: this.#link.restarts,
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const ended = this.#link.close()
    for (const pending of [...this.#waiting.values(), ...this.#posted.values()]) {
      this.#settle(pending, null, 'closed')
    }
    this.#waiting.clear()
    this.#posted.clear()
    await ended
  }

  #enqueue(request: PreparedRequest, resolve: Pending['resolve']): void {
    const id = this.#nextId++
    const timer = setTimeout(() => this.#expire(pending), this.#config.deadlineMs).unref()
    const pending = { id, request, resolve, timer, isSettled: false, isSuspect: false }
    this.#waiting.set(id, pending)
    this.#queued += 1
    this.#queuedBytes += request.bytes
    this.#link.hold()
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    setImmediate(() => this.#pump())
  }

  /** Posts what fits, in one message. */
  #pump(): void {
    this.#isPumpDue = false
    if (!this.#link.isReady) return
    const jobs: CountJob[] = []
    for (const pending of this.#waiting.values()) {
      if (!this.#fits(pending)) break
      this.#waiting.delete(pending.id)
      this.#posted.set(pending.id, pending)
      this.#postedBytes += pending.request.bytes
      jobs.push(jobOf(pending))
    }
    if (jobs.length > 0) this.#link.post({ jobs })
  }

  #fits(pending: Pending): boolean {
    const [first] = this.#posted.values()
    if (!first) return true
    if (first.isSuspect || pending.isSuspect || this.#link.isSuspect) return false
    return (
      this.#posted.size < maxPostedJobs &&
      this.#postedBytes + pending.request.bytes <= maxPostedBytes
    )
  }

  #takeResults(results: readonly CountResult[]): void {
    for (const result of results) {
      const pending = this.#posted.get(result.id)
      if (!pending) continue
      this.#posted.delete(result.id)
      this.#postedBytes -= pending.request.bytes
      if ('cancelled' in result) this.#settle(pending, null, 'cancelled')
      else this.#settle(pending, tokenCount(pending.request, result))
    }
    this.#pump()
  }

  #takeLoss(): void {
    const lost = [...this.#posted.values()].filter((pending) => !pending.isSettled)
    this.#posted.clear()
    this.#postedBytes = 0
    const again = lost.filter((pending) => !pending.isSuspect && !this.#link.isBroken)
    for (const pending of lost)
      if (!again.includes(pending)) this.#settle(pending, null, 'worker lost')
    for (const pending of again) pending.isSuspect = true
    const waiting = [...again, ...this.#waiting.values()]
    this.#waiting = new Map(waiting.map((pending) => [pending.id, pending]))
    if (!this.#link.isBroken) return
    this.#waiting.clear()
    for (const pending of waiting) this.#settle(pending, null, 'no worker')
  }

  #expire(pending: Pending): void {
    this.#settle(pending, null, 'deadline passed')
    if (this.#waiting.delete(pending.id) || !this.#posted.has(pending.id)) return
    this.#link.post({ cancel: pending.id })
    setTimeout(() => {
      if (this.#posted.get(pending.id) === pending) this.#link.abandon()
    }, stuckMs).unref()
  }

  /** Answers once; a null is a drop for `reason`. */
  #settle(pending: Pending, count: TokenCount | null, reason = ''): void {
    if (pending.isSettled) return
    pending.isSettled = true
    clearTimeout(pending.timer)
    this.#queued -= 1
    this.#queuedBytes -= pending.request.bytes
    if (count) this.#counted += 1
    else this.#drop(reason)
    pending.resolve(count)
    if (this.#queued === 0) this.#link.release()
  }

  /** Counts a drop and says so, once a minute at most. */
  #drop(reason: string): null {
    this.#dropped += 1
    this.#unloggedDrops += 1
    const now = this.#config.clock.elapsed()
    if (!this.#closing && now - this.#lastDropLog >= dropLogMs) {
      this.#config.logger.warn(`Token counting: ${this.#unloggedDrops} not counted (${reason})`)
      this.#lastDropLog = now
      this.#unloggedDrops = 0
    }
    return null
  }
}

function jobOf({ id, request }: Pending): CountJob {
  const { model, input, output } = request
  return { id, encoding: model.encoding, input: input.texts, output: output.texts }
}
