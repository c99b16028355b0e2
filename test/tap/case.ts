import type { IncomingMessage } from 'node:http'
import type { Response } from 'express'
import type { UsageEvent } from '../../src/index.js'
import { payload } from '../helpers/fixtures.js'

/** One way to answer, and what the log must say of it. */
export interface Case {
  readonly answer: (res: Response, note: (what: unknown) => void, req: IncomingMessage) => unknown
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly event: Partial<UsageEvent>
  /** Not with compression, which calls no callbacks of `write` and `end`. */
  readonly plainOnly?: true
  /** Flushes what compression holds: where that cuts the bytes is a race with zlib. */
  readonly flushes?: true
}

export const completion = payload('openai-chat/completion.json')
export const completionText = completion.toString('utf8')
export const chatStream = payload('openai-chat/stream-include-usage.sse')
export const claudeStream = payload('anthropic/stream.sse')

export const ofCompletion = {
  status: 'ok',
  input_tokens: 1117,
  output_tokens: 46,
  stream: false,
} as const
export const ofChatStream = {
  status: 'ok',
  input_tokens: 19,
  output_tokens: 17,
  stream: true,
} as const
export const ofClaudeStream = {
  status: 'ok',
  input_tokens: 2073,
  output_tokens: 22,
  stream: true,
} as const

export const sse = 'text/event-stream'
export const json = 'application/json'

export function parts(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size)
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}

/** Sends at once what compression holds, where it is mounted. */
export function flush(res: Response): void {
  const method: unknown = Reflect.get(res, 'flush')
  if (typeof method === 'function') Reflect.apply(method, res, [])
}

/** The default error handler shows the stack, which is about the host's own functions. */
export function quietError(): Error {
  const error = new Error('boom')
  error.stack = 'Error: boom'
  return error
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}

export function thrown(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error instanceof Error ? [error.name, codeOf(error), error.message] : error
  }
}
