import type { IncomingMessage } from 'node:http'
import { isObject, parseJson, type JsonObject } from '../capture/json.js'
import { ClientGone, refusal } from './failure.js'
import { membersOf, type Member } from './members.js'

/** A JSON body: its text as the client wrote it, and what it says. */
export interface JsonBody {
  readonly kind: 'json'
  readonly text: string
  readonly value: JsonObject
  readonly members: readonly Member[]
}

export type RequestBody =
  | { readonly kind: 'none' }
  /** Passes through unread. */
  | { readonly kind: 'stream' }
  | JsonBody

type ParsedRequest = IncomingMessage & { body?: unknown }

/**
 * The body of a call: multipart stays a stream, everything else must be a JSON object. Where a body
 * parser has read it already, what it made of it is written anew.
 */
export async function readBody(req: ParsedRequest, maxBytes: number): Promise<RequestBody> {
  if (req.method === 'GET' || req.method === 'HEAD' || req.method === 'DELETE') {
    return { kind: 'none' }
  }
  const isMultipart = req.headers['content-type']?.toLowerCase().startsWith('multipart/') ?? false
  if (isMultipart && !req.readableDidRead) return { kind: 'stream' }
  const text = req.readableDidRead
    ? textOf(isMultipart ? undefined : req.body)
    : await readText(req, maxBytes)
  if (text === undefined) {
    throw refusal('invalid_body', 'The body was read by something before the proxy')
  }
  if (Buffer.byteLength(text) > maxBytes) throw tooLarge(maxBytes)
  const value = parseJson(text)
  if (!isObject(value)) throw refusal('invalid_body', 'The body must be a JSON object')
  const members = scan(text)
  if (new Set(members.map(({ key }) => key)).size < members.length) {
    // Whoever reads them in another order would see another request than the one that was checked.
    throw refusal('invalid_body', 'The body must not name a member twice')
  }
  return { kind: 'json', text, value, members }
}

/** Deeper nesting is nobody's prompt; whoever walks it would run out of stack. */
const maxDepth = 200

function scan(text: string): Member[] {
  try {
    return membersOf(text, maxDepth)
  } catch {
    throw refusal('invalid_body', 'The body is nested too deeply')
  }
}

/** What `express.json()`, `express.text()` or `express.raw()` left. */
function textOf(body: unknown): string | undefined {
  if (body instanceof Uint8Array) return decode(body)
  if (typeof body === 'string') return body
  return isObject(body) ? JSON.stringify(body) : undefined
}

async function readText(req: IncomingMessage, maxBytes: number): Promise<string> {
  const encoding = req.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity') {
    throw refusal('invalid_body', 'A compressed body is not supported')
  }
  if (Number(req.headers['content-length']) > maxBytes) throw tooLarge(maxBytes)
  return decode(await readBytes(req, maxBytes))
}

/** Reads to the end; does not end the connection when it is too much, so that the answer arrives. */
function readBytes(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const settle = (end: () => void) => {
      req.off('data', take).off('end', done).off('close', gone).off('error', gone)
      end()
    }
    const take = (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBytes) chunks.push(chunk)
      else settle(() => reject(tooLarge(maxBytes)))
    }
    const done = () => settle(() => resolve(Buffer.concat(chunks)))
    const gone = () => settle(() => reject(new ClientGone()))
    req.on('data', take).on('end', done).on('close', gone).on('error', gone)
    if (req.destroyed) gone()
  })
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw refusal('invalid_body', 'The body is not UTF-8')
  }
}

function tooLarge(maxBytes: number) {
  return refusal('body_too_large', `The body may have at most ${maxBytes} bytes`)
}
