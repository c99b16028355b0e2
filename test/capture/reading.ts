import { bodyKind } from '../../src/capture/content.js'
import type { Origin } from '../../src/capture/origin.js'
import type { Reading, TokenFigures } from '../../src/capture/reading.js'
import { ResponseReader } from '../../src/capture/response-reader.js'

const json = 'application/json'
const sse = 'text/event-stream'

/** What is read from a body of this type. */
export function readBody(body: string, contentType: string, origin?: Origin): Reading {
  const kind = bodyKind(contentType, Buffer.from(body.slice(0, 64)))
  return new ResponseReader(kind, { origin }).finish(body)
}

export function readJson(payload: unknown, origin?: Origin): Reading {
  return readBody(JSON.stringify(payload), json, origin)
}

/** A stream of these payloads; read whole and folded event by event, which must agree. */
export function readSse(payloads: readonly unknown[], origin?: Origin): Reading {
  const events = payloads.map((payload) => `data: ${JSON.stringify(payload)}\n\n`)
  const folded = new ResponseReader('sse', { origin })
  for (const event of events) folded.push(event)
  const piecemeal = folded.finish('')
  const whole = readBody(events.join(''), sse, origin)
  for (const key of ['provider', 'model', 'cost_usd', 'output_is_final'] as const) {
    if (whole[key] !== piecemeal[key]) throw new Error(`${key} depends on the windows`)
  }
  if (JSON.stringify(whole.tokens) !== JSON.stringify(piecemeal.tokens)) {
    throw new Error('the figures depend on the windows')
  }
  return piecemeal
}

/** All figures of the normal form: input, output, and the parts that are not 0. */
export function figures(input: number, output: number, parts: TokenFigures = {}): TokenFigures {
  return {
    input_tokens: input,
    output_tokens: output,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    ...parts,
  }
}
