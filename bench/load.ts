import { connect, type Socket } from 'node:net'
import { prompt } from './payloads.js'
import { serve } from './rpc.js'

export interface LoadOrder {
  port: number
  path: string
  /** No request starts later than this. */
  ms: number
  concurrency: number
  /** One is sent with each request, in turn. */
  tokens: readonly string[]
  /** Ends sooner, after this many requests. */
  maxRequests?: number
}

export interface LoadResult {
  requests: number
  /** From the first request to the last answer. */
  seconds: number
}

const lastChunk = Buffer.from('\r\n0\r\n\r\n')

/** Tells when the responses on a connection are complete; throws on any status but 200. */
class ResponseEnd {
  #head = Buffer.alloc(0)
  /** Infinity: the body is chunked. Undefined: still in the head. */
  #bodyLeft: number | undefined
  #tail = Buffer.alloc(0)

  /** True when these bytes end a response. */
  push(bytes: Buffer): boolean {
    const body = this.#bodyLeft === undefined ? this.#readHead(bytes) : bytes
    if (body === undefined || this.#bodyLeft === undefined) return false
    this.#bodyLeft -= body.length
    if (this.#bodyLeft === Infinity)
      this.#tail = Buffer.concat([this.#tail, body.subarray(-7)]).subarray(-7)
    if (this.#bodyLeft > 0 && !this.#tail.equals(lastChunk)) return false
    this.#head = Buffer.alloc(0)
    this.#tail = Buffer.alloc(0)
    this.#bodyLeft = undefined
    return true
  }

  /** What of the body has come with the end of the head; undefined while the head is not over. */
  #readHead(bytes: Buffer): Buffer | undefined {
    const all = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes])
    const end = all.indexOf('\r\n\r\n')
    if (end === -1) {
      this.#head = Buffer.from(all)
      return undefined
    }
    const head = all.toString('latin1', 0, end)
    if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(head.split('\r\n', 1)[0])
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    this.#bodyLeft = length === undefined ? Infinity : Number(length)
    return all.subarray(end + 4)
  }
}

function requestsOf(path: string, tokens: readonly string[]): Buffer[] {
  const body = JSON.stringify(prompt)
  return tokens.map((token) =>
    Buffer.from(
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n` +
        `Authorization: Bearer ${token}\r\nUser-Agent: bench\r\nAccept: */*\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    ),
  )
}

/** Keep-alive connections, each with one request at a time, over bare sockets to cost little itself. */
async function run(order: LoadOrder): Promise<LoadResult> {
  const requests = requestsOf(order.path, order.tokens)
  const maxRequests = order.maxRequests ?? Infinity
  let sent = 0
  const sockets = await Promise.all(
    Array.from({ length: order.concurrency }, () => open(order.port)),
  )
  const began = performance.now()
  const send = (socket: Socket) => {
    const request = requests[sent % requests.length]
    if (request === undefined || sent >= maxRequests || performance.now() - began > order.ms)
      return false
    sent += 1
    socket.write(request)
    return true
  }
  await Promise.all(sockets.map((socket) => converse(socket, send)))
  const seconds = (performance.now() - began) / 1000
  for (const socket of sockets) socket.destroy()
  return { requests: sent, seconds }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function converse(socket: Socket, send: (socket: Socket) => boolean): Promise<void> {
  const end = new ResponseEnd()
  return new Promise((resolve, reject) => {
    socket.on('data', (bytes) => {
      try {
        if (end.push(bytes) && !send(socket)) resolve()
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server closed a connection')))
    if (!send(socket)) resolve()
  })
}

serve({ run, stop: () => undefined })
