import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { partsOf, readWork } from '../src/capture/provider-work.js'
import { Outbound } from '../src/outbound/outbound.js'
import type { TokenCounter } from '../src/tokens/counter.js'
import { bareCapture } from './bare-capture.js'
import { chunks, completion, prompt } from './payloads.js'
import { serve } from './rpc.js'

/** What is timed: a call of each kind, as the hooks see it; the network is left out. */
export type OutboundWay = 'unrelated' | 'json' | 'stream'

/** A request of Node's own undici, and the calls that it gets from its connection. */
interface Request {
  onConnect(abort: () => void): void
  onBodySent(chunk: Buffer): void
  onHeaders(status: number, headers: readonly Buffer[], resume: () => void, text: string): boolean
  onData(chunk: Buffer): boolean
  onComplete(trailers: readonly Buffer[]): void
}

type RequestClass = new (origin: string, options: object, handler: object) => Request

/** What undici makes requests of, as `fetch` lets it. */
async function requestClass(): Promise<RequestClass> {
  let found: RequestClass | undefined
  const see = (message: unknown) => {
    found = (message as { request: { constructor: RequestClass } }).request.constructor
  }
  subscribe(created, see)
  const server = createServer((_req, res) => res.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  server.closeAllConnections()
  server.close()
  unsubscribe(created, see)
  if (found === undefined) throw new Error('undici tells of no request')
  return found
}

const created = 'undici:request:create'
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

const UndiciRequest = await requestClass()
let heard = 0

/** What `fetch` is for undici: it takes what comes. */
const handler = {
  body: null,
  abort: null,
  onResponseStarted: () => undefined,
  onConnect: () => undefined,
  onHeaders: (status: number, headers: readonly Buffer[]) => {
    heard += status + headers.length
    return true
  },
  onData: (chunk: Buffer) => {
    heard += chunk.length
    return true
  },
  onComplete: () => undefined,
  onError: (error: unknown) => console.error(error),
}
const options = { method: 'POST', path: '/v1/chat/completions', body: asked, headers: [] }

/**
 * The calls that a connection makes into a request, in their order. The network's own cost, hundreds
 * of microseconds that vary by more than what is to be measured, is not among them.
 */
function request(origin: string, way: 'json' | 'stream'): number {
  const one = new UndiciRequest(origin, options, handler)
  one.onConnect(() => undefined)
  one.onBodySent(asked)
  one.onHeaders(200, heads[way], () => undefined, 'OK')
  for (const piece of way === 'json' ? whole : pieces) one.onData(piece)
  one.onComplete([])
  return heard
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
  const one = bareCapture()
  outbound.enter(one, () => void request('https://api.openai.com', way))
  const work = readWork(one.calls)
  if (!(work instanceof Promise)) void partsOf(work, 500, counter)
}

/** The same call where nothing is observed: the request is tracked all the same. */
function unobservedCall(way: 'json' | 'stream'): void {
  bareCapture()
  request('https://api.openai.com', way)
}

/** What observing adds to one call, µs: with the hooks, less the same without them. */
async function run({ way, count }: { way: OutboundWay; count: number }): Promise<number> {
  const other = () => request('https://hooks.example.com', 'json')
  const bare = await time(count, way === 'unrelated' ? other : () => unobservedCall(way))
  const outbound = new Outbound({ hosts: [], maxBodyBytes: 1024 * 1024 })
  const observed = await new Promise<number>((resolve, reject) => {
    const observe = way === 'unrelated' ? other : () => observedCall(outbound, way)
    outbound.enter(bareCapture(), () => void time(count, observe).then(resolve, reject))
  })
  outbound.stop()
  return observed - bare
}

serve({ run, stop: () => undefined })
