import { once } from 'node:events'
import type { OpenCall } from './billing.js'
import { outrightFailure, type Fault } from './faults.js'
import type { Dialect } from './dialect.js'
import type { BilledPlan, Frame, Wire } from './format.js'
import { cutOff, sendFailure, sendJson, type Answer } from './answer.js'
import { pause, type Rhythm } from './pace.js'

const SLOW_FIRST_BYTE_MS = 2000
const RETRY_AFTER_SECONDS = 1

const FAILURE_MESSAGES = {
  rate_limit: 'Rate limit reached for requests. Please try again in 1s.',
  server_error: 'The server had an error while processing your request. Sorry about that!',
  overloaded: 'Overloaded: the model has too many requests at the moment.',
}

/** Everything that answering one call needs. */
export interface Exchange {
  readonly response: Answer
  readonly requestId: string
  readonly dialect: Dialect
  readonly plan: BilledPlan
  readonly fault: Fault | undefined
  readonly call: OpenCall
  readonly rhythm: Rhythm
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** Answers one billed call with the fault asked for. Rejects when the client leaves. */
export async function respond(exchange: Exchange): Promise<void> {
  const { call, dialect, fault, plan, requestId, response, signal } = exchange
  const failure = outrightFailure(fault, plan.stream)
  if (failure === 'rate_limit' || failure === 'server_error' || failure === 'overloaded') {
    call.settleUnbilled()
    if (failure === 'rate_limit') response.setHeader('retry-after', RETRY_AFTER_SECONDS)
    sendFailure(response, dialect.failure(failure, FAILURE_MESSAGES[failure], requestId))
    return
  }
  if (fault === 'hang') {
    call.settleUnbilled()
    return
  }
  signal.addEventListener('abort', () => call.settle('client_aborted'), { once: true })
  if (signal.aborted) call.settle('client_aborted')
  if (fault === 'slow') await pause(SLOW_FIRST_BYTE_MS, signal)
  for (const [name, value] of Object.entries(plan.headers ?? {})) response.setHeader(name, value)
  await (plan.stream ? sendStream(exchange) : sendAnswer(exchange))
}

async function sendAnswer({ call, fault, plan, response, rhythm, signal }: Exchange) {
  for (const [index, tokens] of plan.steps.entries()) {
    if (index === 0) await rhythm.firstToken(signal)
    else if (!rhythm.isInstant) await rhythm.tokens(tokens, signal)
    call.generated(tokens)
  }
  const json = JSON.stringify(plan.json({ usage: fault !== 'no_usage' }))
  call.settle('complete')
  const half = json.slice(0, Math.floor(json.length / 2))
  if (fault === 'malformed') sendJson(response, 200, half)
  else if (fault === 'cut_stream') {
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
    })
    response.write(half, () => {
      cutOff(response)
    })
  } else sendJson(response, 200, json)
}

async function sendStream(exchange: Exchange) {
  const { call, fault, plan, response } = exchange
  response.writeHead(200, {
    'content-type': plan.streamType ?? 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
  })
  const frames = [...plan.frames({ usage: fault !== 'no_usage' })]
  const middle = Math.floor(frames.length / 2)
  let thinking = true
  for (const [index, frame] of frames.entries()) {
    thinking = await waitFor(frame, thinking, exchange)
    call.generated(frame.tokens)
    if (index === middle && fault === 'cut_stream') {
      call.settle('complete')
      cutOff(response)
      return
    }
    if (index === middle && fault === 'error_in_stream') {
      call.settle('complete')
      response.end(plan.failureFrame(index))
      return
    }
    // Settled before the last write, so whoever has read the end finds the call on the invoice.
    if (index === frames.length - 1) call.settle('complete')
    const isBroken = index === middle && fault === 'malformed'
    const flowing = response.write(isBroken ? broken(frame.wire) : frame.wire)
    if (!flowing) await once(response, 'drain', { signal: exchange.signal })
  }
  response.end()
}

/** Waits until the frame is due; true as long as no token has come. */
async function waitFor(frame: Frame, thinking: boolean, exchange: Exchange): Promise<boolean> {
  const { rhythm, signal } = exchange
  if (frame.keepalive) return thinking
  await (thinking ? rhythm.firstToken(signal) : rhythm.tokens(frame.tokens, signal))
  return false
}

/** Text loses its end; of bytes one in the middle flips, so that checksums fail. */
function broken(wire: Wire): Wire {
  if (typeof wire !== 'string') {
    const middle = Math.floor(wire.length / 2)
    return wire.map((byte, index) => (index === middle ? byte ^ 0xff : byte))
  }
  return `${wire.slice(0, Math.floor(wire.trimEnd().length * 0.6))}\n\n`
}
