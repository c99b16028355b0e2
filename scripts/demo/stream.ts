import { once } from 'node:events'
import type { Response } from 'express'

/** Aborts when the client leaves before the answer is complete. */
export function signalOfLeaving(response: Response): AbortSignal {
  const left = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) left.abort()
  })
  return left.signal
}

/** Writes Server-Sent Events at the pace the client reads them; stops when it leaves. */
export async function sendEvents(
  response: Response,
  events: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  response.flushHeaders()
  for await (const event of events) {
    if (signal.aborted) return
    if (!response.write(event)) await drained(response, signal)
  }
  response.end()
}

async function drained(response: Response, signal: AbortSignal): Promise<void> {
  // Rejects when the client leaves, which the loop sees by itself.
  await once(response, 'drain', { signal }).catch(() => undefined)
}
