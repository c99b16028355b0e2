import { channel } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Capture } from '../src/capture/capture.js'
import { partsOf, readWork } from '../src/capture/provider-work.js'
import { systemClock } from '../src/clock.js'
import { Outbound } from '../src/outbound/outbound.js'
import type { TokenCounter } from '../src/tokens/counter.js'
import { chunks, completion, prompt } from './payloads.js'
import { serve } from './rpc.js'

/** What is timed: a call of each kind, as the hooks see it; the network is left out. */
export type OutboundWay = 'unrelated' | 'json' | 'stream'

/**
 * The calls that undici makes into its request, in their order. The network's own cost, hundreds of
 * microseconds that vary by more than what is to be measured, is not among them.
 */
class Request {
  method = 'POST'
  path = '/v1/chat/completions'
  readonly origin: string
  heard = 0

  constructor(origin: string) {
    this.origin = origin
    created.publish({ request: this })
  }
  onBodySent(chunk: unknown) {
    this.heard += chunk === undefined ? 0 : 1
  }
  onHeaders(status: number, headers: readonly Buffer[]) {
    this.heard += status + headers.length
    return true
  }
  onData(chunk: Buffer) {
    this.heard += chunk.length
    return true
  }
  onComplete() {
    this.heard += 1
  }
}

const created = channel('undici:request:create')
const counter: TokenCounter = {
  count: () => Promise.resolve(null),
  stats: () => ({ queued: 0, queued_bytes: 0, counted: 0, dropped: 0, restarts: 0 }),
  close: () => Promise.resolve(),
}
const asked = Buffer.from(JSON.stringify(prompt))
const whole = [Buffer.from(JSON.stringify(completion))]
const pieces = chunks.map((chunk) => Buffer.from(chunk))
const head = (type: string) =>
  [
    ...['date', 'Mon, 01 Jan 2026 00:00:00 GMT', 'content-type', type, 'connection', 'keep-alive'],
    ...['openai-version', '2020-10-01', 'x-request-id', 'req_1', 'cf-ray', '1-AMS'],
    ...['openai-processing-ms', '412', 'server', 'cloudflare', 'alt-svc', 'h3=":443"'],
  ].map((text) => Buffer.from(text))
const heads = { json: head('application/json'), stream: head('text/event-stream') }

function request(origin: string, way: 'json' | 'stream'): number {
  const one = new Request(origin)
  one.onBodySent(asked)
  one.onHeaders(200, heads[way])
  for (const piece of way === 'json' ? whole : pieces) one.onData(piece)
  one.onComplete()
  return one.heard
}

function capture(): Capture {
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

/**
 * Microseconds of CPU per call: on a busy machine time passes without us. The event loop turns
 * between a few calls, as it does between those of a host.
 */
async function time(count: number, work: () => unknown): Promise<number> {
  let spent = 0
  for (let done = 0; done < count; done += turn) {
    const before = process.cpuUsage()
    for (let i = 0; i < turn; i++) work()
    await new Promise(setImmediate)
    const { user, system } = process.cpuUsage(before)
    spent += user + system
  }
  return spent / count
}

const turn = 20

/** A tracked request's call to a provider, and what completing its event does with it. */
function observedCall(outbound: Outbound, way: 'json' | 'stream'): void {
  const one = capture()
  outbound.enter(one, () => void request('https://api.openai.com', way))
  const work = readWork(one.calls)
  if (!(work instanceof Promise)) void partsOf(work, 500, counter)
}

/** The same call where nothing is observed: the request is tracked all the same. */
function unobservedCall(way: 'json' | 'stream'): void {
  capture()
  request('https://api.openai.com', way)
}

/** What observing adds to one call, µs: with the hooks, less the same without them. */
async function run({ way, count }: { way: OutboundWay; count: number }): Promise<number> {
  const other = () => request('https://hooks.example.com', 'json')
  const bare = await time(count, way === 'unrelated' ? other : () => unobservedCall(way))
  const outbound = new Outbound({ hosts: [], maxBodyBytes: 1024 * 1024 })
  const observed = await new Promise<number>((resolve, reject) => {
    const observe = way === 'unrelated' ? other : () => observedCall(outbound, way)
    outbound.enter(capture(), () => void time(count, observe).then(resolve, reject))
  })
  outbound.stop()
  return observed - bare
}

serve({ run, stop: () => undefined })
