import type { OutgoingHttpHeaders } from 'node:http'
import { constants, Http2ServerResponse } from 'node:http2'
import type { Writable } from 'node:stream'
import type { Failure } from './dialect.js'

/** What HTTP/1.1 and HTTP/2 responses have in common. */
export interface Answer extends Writable {
  readonly headersSent: boolean
  setHeader(name: string, value: string | number): unknown
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown
}

export function sendJson(answer: Answer, status: number, json: string): void {
  answer.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
  })
  answer.end(json)
}

export function sendFailure(answer: Answer, { status, body, headers = {} }: Failure): void {
  for (const [name, value] of Object.entries(headers)) answer.setHeader(name, value)
  sendJson(answer, status, JSON.stringify(body))
}

/** Ends the answer as a broken connection does: the socket dies, or with HTTP/2 the stream is reset. */
export function cutOff(answer: Answer): void {
  if (answer instanceof Http2ServerResponse) {
    answer.stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  } else answer.destroy()
}
