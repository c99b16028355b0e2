import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers'
import { faultOf } from './fault.js'
import { mergeFacts, type Facts } from './capture/annotations.js'
import { Capture, type Operation } from './capture/capture.js'
import type { OperationTable } from './capture/operations.js'
import type { HostReaders } from './capture/readers/host-readers.js'
import { tapResponse } from './capture/tap.js'
import type { Clock } from './clock.js'
import { Epochs } from './ledger/epochs.js'
import type { Intake } from './ledger/intake.js'

export interface MeterOptions {
  readonly table: OperationTable
  readonly intake: Intake
  readonly clock: Clock
  readonly maxBodyBytes: number
  /** The host's own readers, if any. */
  readonly readers: HostReaders | undefined
  readonly metadata: ReadonlySet<string>
  /** Names retries that the host answers from memory. */
  readonly idempotencyKey: ((req: IncomingMessage) => string | undefined) | undefined
  readonly onMistake: (what: string) => void
}

/** Follows tracked requests from their first byte to the end of their response. */
export class Meter {
  readonly #options: MeterOptions
  /**
   * Captures per connection, until nothing more can be said of them. By connection, since there are
   * far fewer of those than requests; and a pipelined response that never got its turn does not close.
   */
  readonly #bySocket = new WeakMap<Socket, Capture[]>()
  /** What those waited that are not watched yet: a `track` may follow. */
  readonly #waits = new WeakMap<IncomingMessage, number>()
  readonly #custom = new Map<string, Operation>()
  readonly #open = new Epochs()
  #flushed: Capture[] = []
  #stopped = false

  constructor(options: MeterOptions) {
    this.#options = options
  }

  match(method: string, target: string): Operation | undefined {
    return this.#options.table.find(method, target)
  }

  /** Whether a request is one of our API's. */
  isOwn(target: string): boolean {
    return this.#options.table.isOwn(target)
  }

  /** Tells the log of a mistake of ours. */
  mistake(what: string): void {
    this.#options.onMistake(what)
  }

  /** Our API is below this path as well, with these first parts. */
  addOwn(base: string, names: ReadonlySet<string>): void {
    this.#options.table.addOwn(base, names)
  }

  /** The operation of a `track` that was told what it is, on this route. */
  operationOf(told: { type: string; estimateTokens?: number | undefined }, route: () => string) {
    const endpoint = route()
    const key = `${told.type}\0${endpoint}`
    const known = this.#custom.get(key)
    if (known) return known
    const operation = { endpoint, type: told.type, estimateTokens: told.estimateTokens ?? 500 }
    if (this.#custom.size < 1000) this.#custom.set(key, operation)
    return operation
  }

  /** Begins to watch a request; undefined when it is watched already (then it takes the operation). */
  begin(req: IncomingMessage, res: ServerResponse, operation: Operation): Capture | undefined {
    const known = this.captureOf(req)
    if (known) {
      known.operation = operation
      return undefined
    }
    // What was answered before it came here is none of ours.
    if (this.#stopped || res.writableEnded) return undefined
    const { clock, maxBodyBytes, readers, onMistake } = this.#options
    const capture = new Capture({
      operation,
      req,
      res,
      clock,
      maxBodyBytes,
      readers,
      onMistake,
      onEnd: this.#onEnd,
    })
    capture.epoch = this.#open.enter()
    const queue_wait_ms = this.#waits.get(req)
    if (queue_wait_ms !== undefined) capture.annotations.queue_wait_ms = queue_wait_ms
    this.#watch(capture, req.socket)
    return capture
  }

  /** What is watched of a request, if it is. */
  captureOf(req: IncomingMessage): Capture | undefined {
    return this.#bySocket.get(req.socket)?.find((capture) => capture.req === req)
  }

  #watch(capture: Capture, socket: Socket): void {
    capture.joinAmong(this.#openOn(socket))
    tapResponse(capture.res, capture)
    if (!hasEvents(socket)) capture.res.on('finish', () => this.#flush(capture))
    // Its client left before we saw the request: there will be no more events.
    if (socket.destroyed) setImmediate(() => this.#seal(capture, false))
  }

  /** A response that does not finish ends with its connection, be it its turn or not. */
  #openOn(socket: Socket): Capture[] {
    const known = this.#bySocket.get(socket)
    if (known) return known
    const open: Capture[] = []
    this.#bySocket.set(socket, open)
    if (hasEvents(socket)) {
      socket.once('close', () => {
        for (const capture of [...open]) this.#seal(capture, capture.flushedElapsed !== undefined)
      })
    }
    return open
  }

  /**
   * The host has ended a response. Mostly that has sent it as well, and there is nothing to wait for
   * but what else the handler does in the same turn.
   */
  readonly #onEnd = (capture: Capture): void => {
    const { res } = capture
    // A response that is ended after its socket has died is "finished" too.
    if (!res.writableFinished || res.socket?.destroyed !== false) {
      res.on('finish', () => this.#seal(capture, true))
      return
    }
    this.#flush(capture)
  }

  #flush(capture: Capture): void {
    capture.flushedElapsed = this.#options.clock.elapsed()
    this.#flushed.push(capture)
    if (this.#flushed.length === 1) setImmediate(this.takeFlushed)
  }

  /** Hands on what has been answered so far; by itself it does so at the end of the turn. */
  readonly takeFlushed = (): void => {
    const flushed = this.#flushed
    this.#flushed = []
    for (const capture of flushed) this.#seal(capture, true)
    this.#options.intake.work()
  }

  #seal(capture: Capture, finished: boolean): void {
    if (capture.ending !== undefined) return
    const { clock, intake } = this.#options
    const endedElapsed = capture.flushedElapsed ?? clock.elapsed()
    capture.ending = {
      finished,
      status_code: capture.res.statusCode,
      elapsed_ms: endedElapsed - capture.startedElapsed,
    }
    this.#open.settle(capture.epoch)
    if (capture.discarded) {
      capture.forget()
      return
    }
    this.#identifyRetry(capture)
    intake.take(capture, capture.ending)
  }

  /** Retries under one key are one operation: they share their id, and the log keeps one of each. */
  #identifyRetry(capture: Capture): void {
    const { idempotencyKey, onMistake } = this.#options
    if (idempotencyKey === undefined) return
    // What has not reached its handler was not answered by the host: a retry is the first that is.
    if (capture.refusal !== undefined || capture.neverServed) return
    try {
      const key = idempotencyKey(capture.req)
      if (typeof key === 'string' && key.length > 0) capture.idempotencyKey = key.slice(0, 256)
    } catch (error) {
      onMistake(`idempotencyKey(req) failed: ${faultOf(error)}`)
    }
  }

  /** Adds what only the handler knows. Never throws; what does not fit is left out and logged. */
  annotate(req: IncomingMessage, facts: Facts): void {
    const capture = this.captureOf(req)
    if (capture === undefined) {
      this.#options.onMistake('annotate(req) was called for a request that is not tracked')
      return
    }
    if (typeof facts !== 'object' || (facts as unknown) === null) {
      this.#options.onMistake('annotate(req, facts) was called without facts')
      return
    }
    const refused = mergeFacts(capture.annotations, facts, this.#options.metadata)
    if (refused.length > 0) {
      this.#options.onMistake(
        `annotate left out ${refused.slice(0, 10).join(', ').slice(0, 256)}: not valid`,
      )
    }
  }

  /** Notes how long a request stood in line, and whether its turn came; several waits add up. */
  waited(req: IncomingMessage, waitedMs: number, served: boolean): void {
    const capture = this.captureOf(req)
    const queue_wait_ms =
      Math.round(waitedMs) + (capture?.annotations.queue_wait_ms ?? this.#waits.get(req) ?? 0)
    if (capture === undefined) {
      if (served) this.#waits.set(req, queue_wait_ms)
      return
    }
    capture.annotations.queue_wait_ms = queue_wait_ms
    if (!served) capture.neverServed = true
  }

  /** Forgets a request: it was no operation after all. */
  discard(req: IncomingMessage): void {
    const capture = this.captureOf(req)
    if (capture) capture.discarded = true
  }

  /** Watches no new requests; resolves when those being watched have ended. */
  stop(): Promise<void> {
    this.#stopped = true
    return this.#open.settled()
  }
}

/** Adapters of serverless platforms have no real connections. */
function hasEvents(socket: Socket): boolean {
  return typeof socket.once === 'function'
}
