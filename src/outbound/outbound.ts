import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { EventEmitter } from 'node:events'
import { Calls } from '../capture/calls.js'
import type { Capture } from '../capture/capture.js'
import {
  asksLater,
  type CallReading,
  type CallTarget,
  type ProviderCall,
} from '../capture/provider-call.js'
import type { OutboundHosts } from '../capture/capture-options.js'
import type { HostReaders } from '../capture/readers/host-readers.js'
import { ProviderHosts, type AddedHost } from './hosts.js'
import { observeHttp } from './http.js'
import { observeHttp2 } from './http2.js'
import { put, type Departure, type Observer } from './observer.js'
import { observeUndici } from './undici.js'

interface OutboundOptions {
  /** Providers' base URLs besides the known ones. */
  readonly hosts: readonly (string | AddedHost)[]
  /** Bounds what is kept of one call's request, and of an answer that cannot be read in windows. */
  readonly maxBodyBytes: number
  /** The host's own readers of wire formats. */
  readonly readers?: HostReaders | undefined
}

interface CaptureOptions {
  readonly outbound: boolean | OutboundHosts
  readonly maxBodyBytes: number
}

/** As the option `capture.outbound` says; undefined: not at all. */
export function createOutbound(
  { outbound, maxBodyBytes }: CaptureOptions,
  readers: HostReaders | undefined,
): Outbound | undefined {
  if (outbound === false) return undefined
  const { hosts } = outbound === true ? { hosts: [] } : outbound
  return new Outbound({ hosts, maxBodyBytes, readers })
}

/** Observes the calls to AI providers that the host makes while it works on a tracked request. */
export class Outbound implements Observer {
  readonly #storage = new AsyncLocalStorage<Capture | undefined>()
  readonly #hosts: ProviderHosts
  readonly #how: CallReading
  #stops: (() => void)[]

  constructor({ hosts, maxBodyBytes, readers }: OutboundOptions) {
    this.#hosts = new ProviderHosts(hosts)
    this.#how = { maxBytes: maxBodyBytes, readers }
    subscribe(requestStart, this.#onRequest)
    this.#stops = [
      observeUndici(this),
      observeHttp(this),
      observeHttp2(this),
      () => unsubscribe(requestStart, this.#onRequest),
    ]
  }

  /** Hands the request on; what is called while it is worked on belongs to it. */
  enter(capture: Capture, next: () => void): void {
    const { req } = capture
    if (req.complete || !hasBody(req.headers)) {
      this.#storage.run(capture, next)
    } else if (isParsing(req)) {
      // The rest of the request comes in this very context: it is the request's until the next one.
      this.#storage.enterWith(capture)
      next()
    } else {
      const scope = new AsyncResource('AI_USAGE_REQUEST')
      this.#bind(req, capture, scope)
      scope.runInAsyncScope(() => this.#storage.run(capture, next))
    }
  }

  /** Another request on a connection: it begins outside of those before it. */
  readonly #onRequest = (): void => {
    if (this.#storage.getStore() !== undefined) this.#storage.enterWith(undefined)
  }

  /**
   * What listens for the body (parsers that know nothing of async context, a handler's own
   * `req.on('end')`) would be called in the context of the connection: it is in the handler's, with
   * what the host has set there too.
   */
  #bind(req: EventEmitter, capture: Capture, scope: AsyncResource): void {
    const emit: unknown = Reflect.get(req, 'emit')
    if (typeof emit !== 'function') return
    const storage = this.#storage
    put(req, 'emit', function boundEmit(this: unknown, ...args: unknown[]): unknown {
      if (storage.getStore() === capture) return emit.apply(this, args)
      const emitted = () => emit.apply(this, args) as unknown
      return scope.runInAsyncScope(() => storage.run(capture, emitted))
    })
  }

  isWatching(): boolean {
    return this.#storage.getStore() !== undefined
  }

  isFirst(): boolean {
    const capture = this.#storage.getStore()
    if (capture === undefined || capture.hasCalledOut) return false
    capture.hasCalledOut = true
    return true
  }

  /**
   * Models work on what is posted to them; everything else (lists, files) is none of it, but asking
   * how far something is that they do in the background.
   */
  find({ method, origin, path }: Departure): CallTarget | undefined {
    if (method !== 'POST' && method !== 'GET') return undefined
    let [from, target] = [origin, path]
    if (path.startsWith('http') && URL.canParse(path)) {
      const url = new URL(path)
      ;[from, target] = [url.origin, url.pathname]
    }
    const mark = target.indexOf('?')
    if (mark !== -1) target = target.slice(0, mark)
    if (method === 'POST') return this.#hosts.find(from, target)
    const found = asksLater(target) ? this.#hosts.find(from, target) : undefined
    return found && { ...found, isLater: true }
  }

  begin(target: CallTarget): ProviderCall | undefined {
    const capture = this.#storage.getStore()
    // A proxy of ours tells of its calls by itself.
    if (capture === undefined || capture.proxied !== undefined) return undefined
    const { ending, calls } = capture
    // What this operation did not begin is another's.
    if (target.isLater === true && calls === undefined) return undefined
    // The handler of a client that has left works on.
    if (ending?.finished === true) return undefined
    capture.calls ??= new Calls()
    return capture.calls.begin(target, this.#how)
  }

  /** Takes all hooks away. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#storage.disable()
  }
}

/** Published by Node before a server sees a request. */
const requestStart = 'http.server.request.start'

/** True while the parser of the request's connection calls us: nothing has been waited for yet. */
function isParsing({ socket }: Capture['req']): boolean {
  const { parser } = socket as { parser?: { getAsyncId?: () => number } | null }
  return parser?.getAsyncId?.() === executionAsyncId()
}

function hasBody(headers: Capture['req']['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
}
