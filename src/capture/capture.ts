import type { IncomingMessage, ServerResponse } from 'node:http'
import type { UnrecordedEvent } from '../event.js'
import type { Annotations } from './annotations.js'
import { BodyBuffer } from './body.js'
import { bodyKind, isEncoded } from './content.js'
import { ResponseReader } from './response-reader.js'

/** The operation a request was matched to. */
export interface Operation {
  /** Route pattern, never the raw URL. */
  readonly endpoint: string
  readonly type: string
  /** Tokens booked when nothing better is known. */
  readonly estimateTokens: number
}

/** Who an operation belongs to. */
export interface Subject {
  readonly user_id: string
  readonly org_id?: string
  /** Verified tier claim, if any. */
  readonly tier?: string
}

/** What a proxy of ours knows of the provider's side of an operation. */
export interface Proxied {
  /** Set with the head of the provider's answer: from then on its own bytes are read. */
  upstream?: { readonly contentType: string | undefined }
  /** Body bytes that the client was sent of it. */
  sentBytes: number
  /** Times that the call was sent to the provider. */
  attempts?: number
  /** Short code of what went wrong between us and the provider. */
  failure?: string
  /** Where no body tells them. */
  generation_id?: string
  model?: string
  /** Told the event when it is made. */
  onEvent?: (event: UnrecordedEvent) => void
}

/** A streamed body is folded in windows of this size, so that memory stays bounded. */
const windowBytes = 64 * 1024

/** How the response ended. */
export interface Ending {
  readonly finished: boolean
  readonly status_code: number
  readonly elapsed_ms: number
}

/** One tracked request, from `track` to the end of its response. */
export class Capture {
  readonly id: string
  operation: Operation
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly started_at: number
  readonly startedElapsed: number
  readonly annotations: Annotations = {}
  readonly body = new BodyBuffer()
  subject: Subject | undefined
  /** Still being found out (a key set being fetched, an async `identify`). */
  pendingSubject: Promise<Subject | undefined> | undefined
  idempotencyKey: string | undefined
  /** Content-Type and Content-Encoding as given to writeHead, where getHeader cannot see them. */
  rawContentType: string | undefined
  rawContentEncoding: string | undefined
  ending: Ending | undefined
  /**
   * Set when a proxy of ours serves the request. It reports what the provider sends by itself, so
   * whoever observes calls to providers must leave those of this request out.
   */
  proxied: Proxied | undefined
  discarded = false
  /** For the meter: when it began, among those it watches. */
  epoch = 0
  /** The body was too large to read. */
  overflowed = false
  reader: ResponseReader | undefined
  /** The body was seen compressed: what stands where in time cannot be told. */
  encoded = false
  readonly #maxBodyBytes: number

  constructor(init: {
    id: string
    operation: Operation
    req: IncomingMessage
    res: ServerResponse
    now: number
    elapsed: number
    maxBodyBytes: number
  }) {
    this.id = init.id
    this.operation = init.operation
    this.req = init.req
    this.res = init.res
    this.started_at = init.now
    this.startedElapsed = init.elapsed
    this.#maxBodyBytes = init.maxBodyBytes
  }

  get contentType(): string | undefined {
    if (this.proxied?.upstream) return this.proxied.upstream.contentType
    return headerText(this.res.getHeader('content-type')) ?? this.rawContentType
  }

  get contentEncoding(): string | undefined {
    if (this.proxied?.upstream) return undefined
    return headerText(this.res.getHeader('content-encoding')) ?? this.rawContentEncoding
  }

  /** Body bytes that the client was sent. */
  get responseBytes(): number {
    return this.proxied?.upstream ? this.proxied.sentBytes : this.body.bytes
  }

  /** Takes note of a chunk that the response has accepted; what comes after the end is not kept. */
  wrote(chunk: unknown, encoding: unknown, elapsed: number): void {
    if (this.ending !== undefined || this.#isBodiless()) return
    if (this.proxied?.upstream) {
      if (chunk instanceof Uint8Array) this.proxied.sentBytes += chunk.byteLength
      else if (typeof chunk === 'string') this.proxied.sentBytes += Buffer.byteLength(chunk)
    } else this.#add(chunk, encoding, elapsed)
  }

  /** Takes note of what the provider sent, decoded, where a proxy of ours has it. */
  heard(chunk: Uint8Array, elapsed: number): void {
    if (this.ending === undefined) this.#add(chunk, undefined, elapsed)
  }

  #add(chunk: unknown, encoding: unknown, elapsed: number): void {
    this.body.add(chunk, encoding, elapsed)
    if (this.body.held > windowBytes) this.#fold()
  }

  /** Takes note of the headers given to `writeHead(status, [message], [headers])`. */
  wroteHead(args: readonly unknown[]): void {
    const headers = args.find((arg) => typeof arg === 'object' && arg !== null)
    if (headers === undefined) return
    const pairs: unknown[] = Array.isArray(headers)
      ? headers.flat()
      : Object.entries(headers).flat()
    for (let i = 0; i + 1 < pairs.length; i += 2) {
      const header = String(pairs[i]).toLowerCase()
      if (header === 'content-type') this.rawContentType = String(pairs[i + 1])
      if (header === 'content-encoding') this.rawContentEncoding = String(pairs[i + 1])
    }
  }

  /** Node takes a body for these and sends none. */
  #isBodiless(): boolean {
    const { statusCode } = this.res
    return statusCode === 204 || statusCode === 304 || this.req.method === 'HEAD'
  }

  #fold(): void {
    const { body } = this
    if (this.reader === undefined) {
      const start = body.peek(64)
      if (isEncoded(this.contentEncoding, start)) {
        this.#bound()
        return
      }
      this.reader = new ResponseReader(bodyKind(this.contentType, start))
    }
    if (this.reader.kind === 'opaque') body.drop()
    else if (this.reader.kind === 'json') this.#bound()
    else this.reader.push(body.takeText())
  }

  #bound(): void {
    if (this.body.held <= this.#maxBodyBytes) return
    this.overflowed = true
    this.body.drop()
  }
}

function headerText(value: number | string | string[] | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}
