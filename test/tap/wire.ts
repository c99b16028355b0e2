import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { bearer } from '../helpers/app.js'
import type { Side } from './stand.js'

export interface Ask {
  readonly user: string
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Send `Connection: close`; default true. */
  readonly last?: boolean
}

/** A request as it goes over the wire. */
export function requestText({
  user,
  path,
  method = 'GET',
  headers = {},
  body,
  last = true,
}: Ask): string {
  const lines = Object.entries({
    host: 'localhost',
    ...bearer(user),
    ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    ...(last && { connection: 'close' }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${path} HTTP/1.1`, ...lines, '', body ?? ''].join('\r\n')
}

/** Sends bytes on a socket of its own and gives all that comes back until the server closes. */
export function exchange({ port }: Pick<Side, 'port'>, text: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    const done = () => resolve(Buffer.concat(chunks))
    socket.once('close', done)
    // A reset is an end too: what came before it has been gathered.
    socket.on('error', (error) =>
      'code' in error && error.code === 'ECONNRESET' ? done() : reject(error),
    )
  })
}

/** Sends bytes and leaves for good once `enough` of the answer has come (or at once). */
export function leave(
  { port }: Side,
  text: string,
  enough: (received: string) => boolean,
  leaveBy: (socket: Socket) => void = (socket) => socket.destroy(),
): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const check = () => {
      if (enough(received)) leaveBy(socket)
    }
    const socket = connect(port, '127.0.0.1', () => socket.write(text, check))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
      check()
    })
    socket.once('close', () => resolve(received))
    socket.on('error', reject)
  })
}

/** The bytes but for the value of `Date`. */
export function undated(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll(/^Date: [^\r\n]+/gm, 'Date: (now)')
}

/** The head, and what the body says when unchunked and decoded: how a flush cuts it is a race. */
export function meaning(bytes: Buffer): string {
  const end = bytes.indexOf('\r\n\r\n') + 4
  const head = undated(bytes.subarray(0, end))
  const encoding = /^content-encoding: (\w+)/im.exec(head)?.[1]
  const decode = encoding === undefined ? undefined : decoders[encoding]
  if (decode === undefined) return undated(bytes)
  return head + decode(unchunked(bytes.subarray(end))).toString('latin1')
}

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
}

function unchunked(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\r\n', at)
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16)
    parts.push(bytes.subarray(end + 2, end + 2 + length))
    at = end + 2 + length + 2
  }
  return Buffer.concat(parts)
}

/** Asks both sides and holds the answers against each other; answers that of the metered side. */
export async function sameAnswer(
  sides: { metered: Side; bare: Side },
  ask: Ask,
  view: (bytes: Buffer) => string = undated,
): Promise<string> {
  const text = requestText(ask)
  const bare = view(await exchange(sides.bare, text))
  const metered = view(await exchange(sides.metered, text))
  assert.equal(metered, bare)
  return metered
}
