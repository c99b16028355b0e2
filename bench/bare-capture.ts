import type { IncomingMessage, ServerResponse } from 'node:http'
import { Capture } from '../src/capture/capture.js'
import { systemClock } from '../src/clock.js'

/** A tracked request that has come without a body, and whose response is of no interest. */
export function bareCapture(): Capture {
  const req = { headers: {}, complete: true } as unknown as IncomingMessage
  const operation = { endpoint: '/ai/chat', type: 'chat', estimateTokens: 500 }
  return new Capture({
    operation,
    req,
    res: {} as ServerResponse,
    clock: systemClock,
    maxBodyBytes: 1024 * 1024,
    readers: undefined,
    onEnd: () => undefined,
    onMistake: (what) => console.error(what),
  })
}
