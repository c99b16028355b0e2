import { createServer, type IncomingMessage, type Server } from 'node:http'
import {
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type ServerHttp2Session,
} from 'node:http2'
import type { Server as NetServer } from 'node:net'
import type { Answer } from './answer.js'

export type Question = IncomingMessage | Http2ServerRequest
export type Handler = (request: Question, answer: Answer) => void

export interface Listener {
  readonly server: NetServer
  /** Ends open connections, busy ones too. */
  closeAllConnections(): void
}

/** HTTP/1.1, or HTTP/2 without TLS for clients that know it beforehand. */
export function createListener(handler: Handler, http2: boolean): Listener {
  if (!http2) {
    const server: Server = createServer((request, response) => {
      handler(request, response)
    })
    return { server, closeAllConnections: () => server.closeAllConnections() }
  }
  const sessions = new Set<ServerHttp2Session>()
  const server = createHttp2Server((request, response) => {
    handler(request, response)
  })
  server.on('session', (session) => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  return { server, closeAllConnections: () => sessions.forEach((session) => session.destroy()) }
}
