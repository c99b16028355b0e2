import type { IncomingMessage, ServerResponse } from 'node:http'
import { faultOf } from '../fault.js'
import type { Clock } from '../clock.js'
import type { UnrecordedEvent } from '../event.js'
import type { Annotations } from './annotations.js'
import type { BodyBuffer } from './body.js'
import type { Calls } from './calls.js'
import { MessageBody } from './message-body.js'
import type { JsonObject } from './json.js'
import type { HostReaders } from './readers/host-readers.js'
import { requestId } from './request-id.js'
import type { ResponseReader, ResponseReaderOptions } from './response-reader.js'
import type { ResponseSink } from './tap.js'

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
  /** The body of the call, to be counted where the provider tells no usage. */
  asked?: JsonObject
  /** Where no body tells them. */
  generation_id?: string
  model?: string
  /** Told the event when it is made. */
  onEvent?: (event: UnrecordedEvent) => void
}

/** What a plan holds for an operation. */
export interface Held {
  /** It is over, and what it used is just being counted. */
  ended(): void
  /** Puts what was used in its place, once; nothing when the event is undefined. */
  settle(event: UnrecordedEvent | undefined): void
}

/** That it runs, as the spool knows it. */
export interface Begun {
  readonly id: string
  /** Its event is kept, and says all. */
  ended(): void
  /** It is not to count. Nothing once it has ended. */
  cancel(): void
}

/** How the response ended. */
export interface Ending {
  readonly finished: boolean
  readonly status_code: number
  readonly elapsed_ms: number
}

/** One tracked request, from `track` to the end of its response. */
export class Capture implements ResponseSink {
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
  /** A request of the host's, to whomever, went out meanwhile. */
  hasCalledOut = false
  subject: Subject | undefined
  /** Still being found out (a key set being fetched, an async `identify`). */
  pendingSubject: Promise<Subject | undefined> | undefined
  idempotencyKey: string | undefined
  ending: Ending | undefined
  /**
   * Set when a proxy of ours serves the request. It reports what the provider sends by itself, so
   * whoever observes calls to providers must leave those of this request out.
   */
  proxied: Proxied | undefined
  discarded = false
  /** It has not reached its handler, and will not if its client leaves now. */
  neverServed = false
  /** What the plan holds for it, until its usage is known. */
  reservation: Held | undefined
  /** Noted on disk while its handler runs, in case the process dies. */
  running: Begun | undefined
  /** Short code of why the plan refused it. */
  refusal: string | undefined
  /** For the meter: when it began, among those it watches. */
  epoch = 0
  /** For the meter: monotonic ms at which all of the response was handed to the system. */
  flushedElapsed: number | undefined
  /** Told when the host has ended the response. */
  readonly #onEnd: (capture: Capture) => void
  /** Those on the same connection of which something can be said still. */
  #among: Capture[] | undefined
  /** Known when the head has been sent, with the first chunk. */
  #isBodiless: boolean | undefined
  readonly #readers: HostReaders | undefined
  readonly #onMistake: (what: string) => void

  constructor(init: {
    operation: Operation
    req: IncomingMessage
    res: ServerResponse
    clock: Clock
    maxBodyBytes: number
    readers: HostReaders | undefined
    onMistake: (what: string) => void
    onEnd: (capture: Capture) => void
  }) {
    this.operation = init.operation
    this.req = init.req
    this.res = init.res
    this.started_at = init.clock.now()
    this.startedElapsed = init.clock.elapsed()
    this.id = requestId(this.started_at)
    this.#readers = init.readers
    this.#onMistake = init.onMistake
    this.#onEnd = init.onEnd
    this.content = new MessageBody(this, init.maxBodyBytes, init.clock)
  }

  /** How the body is to be read. */
  get readerOptions(): ResponseReaderOptions {
    return {
      own: this.#readers,
      header: (name) => headerText(this.res.getHeader(name)),
    }
  }

  /** Stands among others until it is forgotten. */
  joinAmong(others: Capture[]): void {
    others.push(this)
    this.#among = others
  }

  /** To be called when nothing more can be said of it. */
  forget(): void {
    this.reservation?.settle(undefined)
    this.running?.cancel()
    const index = this.#among?.indexOf(this) ?? -1
    if (index !== -1) this.#among?.splice(index, 1)
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
    if (this.proxied?.upstream) return this.proxied.upstream.contentType
    return headerText(this.res.getHeader('content-type')) ?? sentHeader(this.res, contentTypeLine)
  }

  get contentEncoding(): string | undefined {
    if (this.proxied?.upstream) return undefined
    return (
      headerText(this.res.getHeader('content-encoding')) ??
      sentHeader(this.res, contentEncodingLine)
    )
  }

  /** Body bytes that the client was sent. */
  get responseBytes(): number {
    return this.proxied?.upstream ? this.proxied.sentBytes : this.body.bytes
  }

  /** Takes note of a chunk that the response has accepted; what comes after the end is not kept. */
  wrote(chunk: unknown, encoding: unknown, isLast: boolean): void {
    if (this.ending !== undefined) return
    this.#isBodiless ??= isBodiless(this)
    if (this.#isBodiless) return
    if (this.proxied?.upstream) {
      if (chunk instanceof Uint8Array) this.proxied.sentBytes += chunk.byteLength
      else if (typeof chunk === 'string') this.proxied.sentBytes += Buffer.byteLength(chunk)
    } else this.content.add(chunk, encoding, isLast)
  }

  /** Takes note of what the provider sent, decoded, where a proxy of ours has it. */
  heard(chunk: Uint8Array): void {
    if (this.ending === undefined) this.content.add(chunk, undefined)
  }

  ended(): void {
    this.#onEnd(this)
  }

  failed(error: unknown): void {
    this.#onMistake(`reading a response failed: ${faultOf(error)}`)
  }
}

/** Node takes a body for these and sends none. */
function isBodiless({ req, res: { statusCode } }: Capture): boolean {
  return statusCode === 204 || statusCode === 304 || req.method === 'HEAD'
}

function headerText(value: number | string | string[] | undefined): string | undefined {
  return value === undefined ? undefined : String(value)
}

const contentTypeLine = /\r\ncontent-type: ?([^\r]*)/i
const contentEncodingLine = /\r\ncontent-encoding: ?([^\r]*)/i

/** Headers that were given to `writeHead` alone stand nowhere but in the head as Node wrote it. */
function sentHeader(res: ServerResponse, line: RegExp): string | undefined {
  const head: unknown = Reflect.get(res, '_header')
  return typeof head === 'string' ? line.exec(head)?.[1] : undefined
}
