import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { ProviderCall } from '../capture/provider-call.js'
import { observeFirstUse } from './http-first-use.js'
import { listenTo, quietly, type Observer } from './observer.js'

const created = 'http.client.request.created'
const answered = 'http.client.response.finish'

/**
 * Observes requests of `node:http` and `node:https`, whoever makes them (axios, node-fetch, SDKs).
 * Answers how to stop.
 */
export function observeHttp(observer: Observer): () => void {
  const calls = new WeakMap<ClientRequest, ProviderCall>()
  const follow = (request: ClientRequest, sent: readonly unknown[]): void => {
    if (!observer.isWatching() || calls.has(request)) return
    const { method, path } = request
    const target = observer.find({ method, path, origin: originOf(request) })
    const call = target && observer.begin(target)
    if (call === undefined) return
    calls.set(request, call)
    call.sent(sent[0], sent[1])
    listenTo(request, 'write', ([chunk, encoding]) => call.sent(chunk, encoding))
    listenTo(request, 'end', ([chunk, encoding]) => call.sent(chunk, encoding))
    // A call that fails before its answer, or in the middle of it.
    request.once('close', () => call.end())
  }
  const onCreated = (message: unknown): void => {
    quietly(() => follow((message as { request: ClientRequest }).request, []))
  }
  const onAnswered = (message: unknown): void => {
    quietly(() => {
      const { request, response } = message as { request: ClientRequest; response: IncomingMessage }
      const call = calls.get(request)
      if (call) listen(response, call)
    })
  }
  const stopFirstUse = hasCreatedChannel()
    ? undefined
    : observeFirstUse((request, args) => quietly(() => follow(request, args)))
  subscribe(created, onCreated)
  subscribe(answered, onAnswered)
  return () => {
    unsubscribe(created, onCreated)
    unsubscribe(answered, onAnswered)
    stopFirstUse?.()
  }
}

/** Node pushes what it receives into the response: heard there, the host's reading is left alone. */
function listen(response: IncomingMessage, call: ProviderCall): void {
  const { headers } = response
  call.began(response.statusCode ?? 0, headers['content-type'], headers['content-encoding'])
  listenTo(response, 'push', ([chunk]) => {
    if (chunk === null) call.end()
    else call.received(chunk)
  })
  response.once('close', () => call.end())
}

function originOf(request: ClientRequest): string {
  const host = request.getHeader('host')
  return `${request.protocol}//${typeof host === 'string' ? host : request.host}`
}

/** Node 22.12 and 23.2 tell of a request when it is made. */
function hasCreatedChannel(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 23 || (major === 23 && minor >= 2) || (major === 22 && minor >= 12)
}
