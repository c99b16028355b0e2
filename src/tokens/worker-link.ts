import { clearTimeout, setImmediate, setTimeout } from 'node:timers'
import { Worker } from 'node:worker_threads'
import type { Logger } from '../logger.js'
import type { CountResult, ToWorker } from './worker.js'

const firstRetryMs = 100
const lastRetryMs = 30_000
/** Failures in a row from which the worker counts as broken rather than unlucky. */
const brokenAfter = 3

/** What the owner of a link is told. */
export interface WorkerLinkOptions {
  logger: Logger
  /** How long a worker may have nothing to do before its memory is given back. */
  idleMs: number
  onResults: (results: readonly CountResult[]) => void
  /** The worker ended by itself: what it was given and has not answered is lost. */
  onLost: () => void
  /** A worker may be started again after a failure. */
  onRetry: () => void
}

/**
 * One worker thread: started when first needed, again after a failure with a growing pause, stopped
 * when idle. Keeps the process alive only between `hold` and `release`.
 */
export class WorkerLink {
  readonly #options: WorkerLinkOptions
  #worker: Worker | undefined
  #retryTimer: NodeJS.Timeout | undefined
  #idleTimer: NodeJS.Timeout | undefined
  #failures = 0
  #restarts = 0
  #isHeld = false

  constructor(options: WorkerLinkOptions) {
    this.#options = options
  }

  /** Workers started in place of a lost one. */
  get restarts(): number {
    return this.#restarts
  }

  /** Whether a message can be posted now, starting a worker if need be. */
  get isReady(): boolean {
    return this.#retryTimer === undefined
  }

  /** Whether the last worker was lost and the next one has yet to prove itself. */
  get isSuspect(): boolean {
    return this.#failures > 0
  }

  /** Whether it is no use to wait: several workers in a row have failed, and no other is due. */
  get isBroken(): boolean {
    return this.#failures >= brokenAfter && !this.isReady
  }

  post(message: ToWorker): void {
    this.#worker ??= this.#start()
    this.#worker?.postMessage(message)
  }

  /** Keeps the process alive: somebody waits for an answer. */
  hold(): void {
    if (this.#isHeld) return
    this.#isHeld = true
    clearTimeout(this.#idleTimer)
    this.#worker?.ref()
    this.#retryTimer?.ref()
  }

  /** Lets the process end, and the worker after a while. */
  release(): void {
    this.#isHeld = false
    this.#worker?.unref()
    this.#retryTimer?.unref()
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => void this.#stop(), this.#options.idleMs).unref()
  }

  /** Ends a worker that no longer answers, as if it had ended by itself. */
  abandon(): void {
    const worker = this.#worker
    if (!worker) return
    this.#lose(worker, 'does not answer')
    void worker.terminate()
  }

  /** Ends the worker for good. Call `post` no more. */
  async close(): Promise<void> {
    clearTimeout(this.#retryTimer)
    clearTimeout(this.#idleTimer)
    await this.#stop()
  }

  async #stop(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #start(): Worker | undefined {
    if (this.#failures > 0) this.#restarts += 1
    let worker: Worker
    try {
      worker = newWorker()
    } catch (error) {
      setImmediate(() => this.#lose(undefined, reasonOf(error)))
      return undefined
    }
    let reason = 'ended'
    worker.on('message', (results: readonly CountResult[]) => {
      if (worker !== this.#worker) return
      this.#failures = 0
      this.#options.onResults(results)
    })
    worker.on('error', (error) => (reason = reasonOf(error)))
    worker.on('exit', () => this.#lose(worker, reason))
    return worker
  }

  #lose(worker: Worker | undefined, reason: string): void {
    if (worker !== this.#worker || !this.isReady) return
    this.#worker = undefined
    this.#failures += 1
    const retryMs = Math.min(firstRetryMs * 2 ** (this.#failures - 1), lastRetryMs)
    if (this.#failures <= brokenAfter) {
      this.#options.logger.warn(`Token counting: worker lost (${reason}), next in ${retryMs} ms`)
    }
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined
      this.#options.onRetry()
    }, retryMs)
    if (!this.#isHeld) this.#retryTimer.unref()
    this.#options.onLost()
  }
}

/** Runs the worker as this file runs: compiled, or as TypeScript by tsx. */
function newWorker(): Worker {
  // What the host preloads (`--require`, NODE_OPTIONS) is for its own threads: servers, tracing.
  const execArgv: string[] = []
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./worker.js', import.meta.url), { execArgv, env: {} })
  }
  // A thread does not inherit tsx's hooks on every Node.
  const here = JSON.stringify(import.meta.url)
  const code = `const load = require('node:module').createRequire(${here})
    load('tsx/cjs/api').register()
    load('./worker.ts')`
  return new Worker(code, { eval: true, execArgv })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
