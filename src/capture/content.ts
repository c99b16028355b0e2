import { promisify } from 'node:util'
import { brotliDecompress, constants, gunzip, inflate } from 'node:zlib'

/** How a response body is laid out. */
export type BodyKind = 'json' | 'sse' | 'ndjson' | 'eventstream' | 'text' | 'opaque'

/** Hosts answer with the same few types again and again. */
let last: { readonly contentType: string; readonly kind: BodyKind } | undefined

/** The layout a `Content-Type` promises; without one, what the first bytes look like. */
export function bodyKind(contentType: string | undefined, start: Buffer): BodyKind {
  if (contentType === undefined) return sniff(start)
  if (last?.contentType !== contentType) last = { contentType, kind: kindOf(contentType) }
  return last.kind
}

function kindOf(contentType: string): BodyKind {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (type === 'text/event-stream') return 'sse'
  if (ndjsonTypes.has(type)) return 'ndjson'
  if (type === 'application/json' || type === 'text/json' || type.endsWith('+json')) return 'json'
  if (type === 'application/vnd.amazon.eventstream') return 'eventstream'
  return type.startsWith('text/') ? 'text' : 'opaque'
}

const ndjsonTypes = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
  'application/stream+json',
])

function sniff(start: Buffer): BodyKind {
  const text = start.toString('latin1').trimStart()
  if (/^(?:data|event|id|retry)?:/.test(text)) return 'sse'
  if (text.startsWith('{') || text.startsWith('[')) return 'json'
  return isText(start) ? 'text' : 'opaque'
}

/**
 * What text may be after all, by how it begins: Express calls a string text/html, be it JSON or not.
 */
export function kindWithin(text: string): 'json' | 'sse' | undefined {
  if (/^\s*[[{]/.test(text)) return 'json'
  return /^(?:data: ?[[{]|event: ?[\w.-]+\r?\n)/.test(text) ? 'sse' : undefined
}

/**
 * Whether bytes under a `Content-Encoding` are really encoded. Compression that sits between the
 * tap and the client sets the header although the tap still sees plain text.
 */
export function isEncoded(contentEncoding: string | undefined, start: Buffer): boolean {
  if (contentEncoding === undefined || contentEncoding === 'identity') return false
  return !isText(start)
}

/** Valid UTF-8 (but for a character cut at the end) without control characters. */
function isText(bytes: Buffer): boolean {
  if (bytes.some((byte) => byte < 32 && byte !== 9 && byte !== 10 && byte !== 13)) return false
  const text = bytes.toString('utf8')
  const replacement = text.indexOf('\ufffd')
  return replacement === -1 || replacement >= text.length - 3
}

const gunzipAsync = promisify(gunzip)
const inflateAsync = promisify(inflate)
const brotliAsync = promisify(brotliDecompress)

/**
 * Decodes a body, also one that was cut in the middle. Runs on the thread pool.
 * Rejects on an unknown encoding, damaged bytes, or more than `maxOutputLength` bytes.
 */
export async function decode(
  bytes: Buffer,
  contentEncoding: string,
  maxOutputLength: number,
): Promise<Buffer> {
  const cut = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }
  switch (contentEncoding.trim().toLowerCase()) {
    case 'gzip':
    case 'x-gzip':
      return gunzipAsync(bytes, cut)
    case 'deflate':
      return inflateAsync(bytes, cut)
    case 'br': {
      const finishFlush = constants.BROTLI_OPERATION_FLUSH
      return brotliAsync(bytes, { finishFlush, maxOutputLength })
    }
    default:
      throw new Error('unknown content encoding')
  }
}
