import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Annotations } from './annotations.js'
import type { BodyBuffer } from './body.js'
import type { Calls } from './calls.js'
import { MessageBody } from './message-body.js'
import type { HostReaders } from './readers/host-readers.js'
import type { ResponseReader, ResponseReaderOptions } from './response-reader.js'

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
  /** What the response wrote. */
  readonly content: MessageBody
  /** The host's own calls to providers while it worked on this request. */
  calls: Calls | undefined
  subject: Subject | undefined
  /** Still being found out (a key set being fetched, an async `identify`). */
  pendingSubject: Promise<Subject | undefined> | undefined
  idempotencyKey: string | undefined
  /** Content-Type and Content-Encoding as given to writeHead, where getHeader cannot see them. */
  rawContentType: string | undefined
  rawContentEncoding: string | undefined
  ending: Ending | undefined
  discarded = false
  /** For the meter: when it began, among those it watches. */
  epoch = 0
  readonly #readers: HostReaders | undefined

  constructor(init: {
    id: string
    operation: Operation
    req: IncomingMessage
    res: ServerResponse
    now: number
    elapsed: number
    maxBodyBytes: number
    readers: HostReaders | undefined
  }) {
    this.id = init.id
    this.operation = init.operation
    this.req = init.req
    this.res = init.res
    this.started_at = init.now
    this.startedElapsed = init.elapsed
    this.#readers = init.readers
    this.content = new MessageBody(this, init.maxBodyBytes)
  }

  /** How the body is to be read. */
  get readerOptions(): ResponseReaderOptions {
    return {
      own: this.#readers,
      header: (name) => headerText(this.res.getHeader(name)),
    }
  }

  get body(): BodyBuffer {
    return this.content.buffer
  }

  get reader(): ResponseReader | undefined {
    return this.content.reader
  }

  /** The body was seen compressed: what stands where in time cannot be told. */
  get encoded(): boolean {
    return this.content.encoded
  }

  get contentType(): string | undefined {
    return headerText(this.res.getHeader('content-type')) ?? this.rawContentType
  }

  get contentEncoding(): string | undefined {
    return headerText(this.res.getHeader('content-encoding')) ?? this.rawContentEncoding
  }

  /** Takes note of a chunk that the response has accepted; what comes after the end is not kept. */
  wrote(chunk: unknown, encoding: unknown, elapsed: number): void {
    if (this.ending !== undefined || this.#isBodiless()) return
    this.content.add(chunk, encoding, elapsed)
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
}

function headerText(value: number | string | string[] | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}
