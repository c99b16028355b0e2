import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import type { CountRequest, TokenCount } from './prepare.js'
import { WorkerCounter } from './worker-counter.js'

export { sizeOfBase64 } from './image-size.js'
export type { PromptImage } from './images.js'
export type { PromptMessage, PromptText } from './framing.js'
export type { CountRequest, TokenCount } from './prepare.js'

export interface TokenCounterStats {
  /** Counts waited for, and the memory that their texts take at most. */
  queued: number
  queued_bytes: number
  counted: number
  /** Counts that gave null. */
  dropped: number
  /** Workers started in place of a lost one. */
  restarts: number
}

export interface TokenCounter {
  /**
   * Resolves with null, and never rejects, when it cannot be counted: queue full, deadline passed,
   * worker lost, closed, or a request that is none. `stats().dropped` counts those.
   */
  count(request: CountRequest): Promise<TokenCount | null>
  stats(): TokenCounterStats
  /** Ends the worker; what is still waited for gives null. Idempotent. */
  close(): Promise<void>
}

export interface TokenCounterOptions {
  logger: Logger
  clock: Clock
  /** From the call of `count` to its answer; 10,000 ms by default. */
  deadlineMs?: number
  /** Memory for the texts that wait, at 2 bytes per UTF-16 unit; 32 MiB by default. */
  maxQueuedBytes?: number
  /** After how long without work the worker and its memory are given up; 5 minutes by default. */
  idleMs?: number
}

/**
 * A counter whose work is done in a worker thread, started by the first count. It keeps the process
 * alive only while a count is waited for.
 */
export function createTokenCounter(options: TokenCounterOptions): TokenCounter {
  return new WorkerCounter({
    logger: options.logger,
    clock: options.clock,
    deadlineMs: options.deadlineMs ?? 10_000,
    maxQueuedBytes: options.maxQueuedBytes ?? 32 * 1024 * 1024,
    idleMs: options.idleMs ?? 5 * 60_000,
  })
}
