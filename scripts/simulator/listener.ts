import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2'
import type { Server as NetServer, Socket } from 'node:net'
import type { Answer } from './answer.js'

export type Question = IncomingMessage | Http2ServerRequest
export type Handler = (request: Question, answer: Answer) => void

export interface Listener {
  readonly server: NetServer
  /** Ends open connections, busy ones too. */
  readonly closeAllConnections: () => void
}

/** HTTP/1.1, or HTTP/2 without TLS for clients that know it beforehand. */
export function createListener(handler: Handler, http2: boolean): Listener {
  if (!http2) {
    const server: Server = createServer((request, response) => {
      handler(request, response)
    })
    return { server, closeAllConnections: () => server.closeAllConnections() }
  }
  const sockets = new Set<Socket>()
  const server = createHttp2Server((request, response) => {
    handler(request, response)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  // The sockets themselves, for a session waits for a peer that has stopped reading.
  return { server, closeAllConnections: () => sockets.forEach((socket) => socket.destroy()) }
}
