import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ProviderCall } from '../capture/provider-call.js'
import { heard, quietly, type Method, type Observer } from './observer.js'
import { inItsContext, isOfFetch } from './undici-context.js'

const channel = 'undici:request:create'

/** undici's internal request, as its channel hands it out. */
interface UndiciRequest {
  readonly method: string
  readonly origin: string | URL
  readonly path: string
}

/**
 * Observes undici, Node's own (global `fetch`) and the package from version 5 on, whatever the
 * dispatcher. Every request, a retry as well, passes the channel once; its callbacks tell the rest.
 * Answers how to stop.
 */
export function observeUndici(observer: Observer): () => void {
  const onCreate = (message?: unknown): void => {
    quietly(() => follow(observer, (message as { request: UndiciRequest }).request, onCreate))
  }
  subscribe(channel, onCreate)
  return () => void unsubscribe(channel, onCreate)
}

function follow(observer: Observer, request: UndiciRequest, caller: () => void): void {
  const { method, origin, path } = request
  // Whatever its address: others may wait behind any of them.
  const isFirst = observer.isFirst()
  const from = typeof origin === 'string' ? origin : origin.origin
  const target = observer.find({ method, origin: from, path })
  const call = target && inItsContext(request, () => observer.begin(target), { isFirst, caller })
  if (call) listen(request, call)
}

/**
 * The callbacks' names up to version 7, and from 8 on; their arguments are alike. They are set as
 * plain properties: redefined ones would make the object, and with it undici, slow.
 */
function listen(request: UndiciRequest, call: ProviderCall): void {
  const callbacks = request as UndiciRequest & Record<string, unknown>
  for (const [names, hear] of hearings(call, isOfFetch(request))) {
    for (const name of names) {
      const original = callbacks[name]
      if (typeof original === 'function') callbacks[name] = hear(original as Method)
    }
  }
}

const sent = ['onBodySent'] as const
const began = ['onHeaders', 'onResponseStart'] as const
const received = ['onData', 'onResponseData'] as const
const ended = ['onComplete', 'onError', 'onResponseEnd', 'onResponseError', 'onUpgrade'] as const

function hearings(
  call: ProviderCall,
  isFetch: boolean,
): [readonly string[], (original: Method) => Method][] {
  return [
    [sent, (original) => heard(original, ([chunk]) => call.sent(chunk))],
    [began, (original) => heard(original, ([status, headers]) => noteHead(call, status, headers))],
    [received, (original) => heardData(original, call, isFetch)],
    [ended, (original) => heard(original, () => call.end())],
  ]
}

/**
 * As `heard`, for what a stream calls hundreds of times. A piece is the socket's own memory, which is
 * not used again; what is not handed out either is `isLasting`.
 */
function heardData(original: Method, call: ProviderCall, isLasting: boolean): Method {
  return function heardCall(this: unknown, chunk: unknown): unknown {
    const result = original.call(this, chunk)
    try {
      if (isLasting) call.receivedLasting(chunk)
      else call.received(chunk)
    } catch {
      // Observing may fail; what is observed may not.
    }
    return result
  }
}

function noteHead(call: ProviderCall, status: unknown, headers: unknown): void {
  call.began(Number(status), header(headers, 'content-type'), header(headers, 'content-encoding'))
}

/** A header from undici's raw list of names and values, or from an object of them. */
function header(headers: unknown, name: string): string | undefined {
  if (!Array.isArray(headers)) {
    const value: unknown = typeof headers === 'object' && headers && Reflect.get(headers, name)
    return typeof value === 'string' ? value : undefined
  }
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const key: unknown = headers[at]
    if (lengthOf(key) === name.length && String(key).toLowerCase() === name) {
      return String(headers[at + 1])
    }
  }
  return undefined
}

function lengthOf(key: unknown): number {
  return typeof key === 'string' || key instanceof Uint8Array ? key.length : 0
}
