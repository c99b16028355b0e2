import { connect, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2'
import { Duplex } from 'node:stream'
import type { ProviderCall } from '../capture/provider-call.js'
import { hookMethod } from './hook-method.js'
import { listenTo, quietly, type Observer } from './observer.js'

type Listener = (stream: ClientHttp2Stream) => void

const listeners = new Set<Listener>()
let lift: (() => void) | undefined

/**
 * Observes streams of `node:http2` clients (AWS's Bedrock client). Node 20 has no channel for them,
 * so the one method that opens a stream is hooked, for all sessions, those open already included;
 * one hook serves all meters of the process. Answers how to stop.
 */
export function observeHttp2(observer: Observer): () => void {
  const listener = (stream: ClientHttp2Stream): void => {
    if (observer.isWatching()) quietly(() => follow(observer, stream))
  }
  if (listeners.size === 0) {
    lift = hookMethod(sessionPrototype(), 'request', (original) => {
      return function observedRequest(this: unknown, ...args: unknown[]): unknown {
        const stream = original.apply(this, args)
        for (const each of listeners) each(stream as ClientHttp2Stream)
        return stream
      }
    })
  }
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) lift?.()
  }
}

function follow(observer: Observer, stream: ClientHttp2Stream): void {
  const sent = stream.sentHeaders
  const text = (name: string) => String(sent[name] ?? '')
  const target = observer.find({
    method: text(':method'),
    origin: `${text(':scheme')}://${text(':authority')}`,
    path: text(':path'),
  })
  const call = target && observer.begin(target)
  if (call) listen(stream, call)
}

function listen(stream: ClientHttp2Stream, call: ProviderCall): void {
  listenTo(stream, 'write', ([chunk, encoding]) => call.sent(chunk, encoding))
  listenTo(stream, 'end', ([chunk, encoding]) => call.sent(chunk, encoding))
  stream.once('response', (headers: IncomingHttpHeaders & { ':status'?: number }) => {
    const encoding = headers['content-encoding']
    call.began(headers[':status'] ?? 0, headers['content-type'], encoding)
  })
  // Node pushes what it receives into the stream: heard there, the host's reading is left alone.
  listenTo(stream, 'push', ([chunk]) => {
    if (chunk === null) call.end()
    else call.received(chunk)
  })
  stream.once('close', () => call.end())
}

/** The class of client sessions is not exported: it is that of a session that leads nowhere. */
function sessionPrototype(): object {
  const nowhere = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  const session = connect('http://localhost', { createConnection: () => nowhere })
  session.on('error', () => undefined)
  const prototype = Object.getPrototypeOf(session) as object
  session.destroy()
  return prototype
}
