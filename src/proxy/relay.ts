import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { clientHeaders } from './headers.js'
import { failure } from './upstream.js'
import { hideUsage } from './hide-usage.js'
import { Scrubber } from './scrub.js'
import { SseEvents } from './sse-events.js'

export interface RelayOptions {
  readonly apiKey: string | undefined
  readonly hidesUsage: boolean
  /** Hears the provider's own bytes, before anything is taken out. */
  readonly heard: (chunk: Buffer) => void
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal
}

/**
 * Passes the head of the provider's answer on. Answers the stream of its decoded body.
 * Throws `upstream_unreachable` for a redirect, which is never followed, and for an encoding that
 * was not asked for and is not known.
 */
export function relayHead(
  answer: IncomingMessage,
  res: ServerResponse,
  options: Pick<RelayOptions, 'apiKey' | 'hidesUsage'>,
): Readable {
  const status = answer.statusCode ?? 502
  const encoding = answer.headers['content-encoding'] ?? 'identity'
  const decoder = decoderOf(encoding)
  if ((status >= 300 && status < 400 && status !== 304) || decoder === 'unknown') {
    answer.destroy()
    throw failure('upstream_unreachable')
  }
  res.statusCode = status
  for (const [name, value] of clientHeaders(answer, options.apiKey)) res.setHeader(name, value)
  const length = answer.headers['content-length']
  if (length !== undefined && decoder === undefined && !isEventStream(answer)) {
    res.setHeader('content-length', length)
  }
  if (isEventStream(answer)) {
    res.setHeader('x-accel-buffering', 'no')
    res.flushHeaders()
  }
  if (decoder === undefined) return answer
  // The error comes out of the decoder, to whoever reads it.
  return pipeline(answer, decoder, () => undefined)
}

/** Passes the body on, at the pace at which the client reads. Rejects when either side breaks off. */
export async function relayBody(
  body: Readable,
  answer: IncomingMessage,
  res: ServerResponse,
  options: RelayOptions,
): Promise<void> {
  const scrubber = new Scrubber(options.apiKey)
  const events = isEventStream(answer) ? new SseEvents() : undefined
  const edit = (pieces: Buffer[]) =>
    Buffer.concat(options.hidesUsage && answer.statusCode === 200 ? pieces.map(hideUsage) : pieces)
  for await (const chunk of body as AsyncIterable<Buffer>) {
    options.heard(chunk)
    await write(res, scrubber.push(events ? edit(events.push(chunk)) : chunk), options.signal)
  }
  const rest = events ? scrubber.push(events.end()) : Buffer.alloc(0)
  await write(res, Buffer.concat([rest, scrubber.end()]), options.signal)
  res.end()
}

export function isEventStream({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.toLowerCase().startsWith('text/event-stream') ?? false
}

async function write(res: ServerResponse, bytes: Buffer, signal: AbortSignal): Promise<void> {
  if (bytes.length === 0) return
  signal.throwIfAborted()
  const flowing = res.write(bytes)
  // Where the host compresses, its middleware adds this: an event must not wait for the next one.
  if ('flush' in res && typeof res.flush === 'function') Reflect.apply(res.flush, res, [])
  if (!flowing) await once(res, 'drain', { signal })
}

function decoderOf(encoding: string): Transform | 'unknown' | undefined {
  switch (encoding.trim().toLowerCase()) {
    case 'identity':
    case '':
      return undefined
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      return 'unknown'
  }
}
