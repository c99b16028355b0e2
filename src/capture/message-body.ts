import type { Clock } from '../clock.js'
import type { MaybePromise } from '../maybe-promise.js'
import { BodyBuffer } from './body.js'
import { bodyKind, decode, isEncoded, type BodyKind } from './content.js'
import { endLength } from './json-end.js'
import { emptyReading, type Reading } from './reading.js'
import { ResponseReader, type ResponseReaderOptions } from './response-reader.js'

/** What the head of a message says of its body. */
export interface BodyHead {
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
  readonly readerOptions: ResponseReaderOptions
}

/** A streamed body is folded in windows of this size, so that memory stays bounded. */
const windowBytes = 64 * 1024
/**
 * So much of a stream of events is kept before the first window is folded: of one that is shorter, only
 * the events with figures have to be read, a fourth of the work.
 */
const wholeStreamBytes = 256 * 1024
const noBytes = Buffer.alloc(0)
const plain = { contentType: undefined, contentEncoding: undefined }

/**
 * The body of an answer (the host's own, or a provider's to the host), kept in bounded windows
 * while it passes, and read when it is over.
 */
export class MessageBody {
  readonly buffer: BodyBuffer
  reader: ResponseReader | undefined
  /** The body was too large to read, but for its end. */
  overflowed = false
  /** The body was seen compressed: what stands where in time cannot be told. */
  encoded = false
  readonly #head: BodyHead
  readonly #maxBytes: number
  /** Known from the head when the first chunk came: the body is neither encoded nor to be guessed. */
  #plainKind: BodyKind | undefined
  #reading: MaybePromise<Reading> | undefined
  /** Bytes that are held at most before something is folded. */
  #most = windowBytes

  /** `head` is asked when the first bytes have come. With a clock, chunk times are kept. */
  constructor(head: BodyHead, maxBytes: number, clock?: Pick<Clock, 'elapsed'>) {
    this.buffer = new BodyBuffer(clock)
    this.#head = head
    this.#maxBytes = maxBytes
  }

  /** Takes a chunk, `isLast` where no other follows. What comes after `read` is not kept. */
  add(chunk: unknown, encoding: unknown, isLast = false): void {
    if (this.#reading !== undefined) return
    if (this.buffer.isEmpty) {
      this.#expect()
      if (isLast && Buffer.isBuffer(chunk) && this.#readWhole(chunk)) return
    }
    this.buffer.add(chunk, encoding)
    if (this.buffer.held > this.#most) this.#fold()
  }

  /** Takes a chunk that nobody changes any more. */
  addLasting(chunk: Buffer): void {
    if (this.#reading !== undefined) return
    if (this.buffer.isEmpty && this.#kindByHead() === 'opaque') this.buffer.drop()
    this.buffer.addLasting(chunk)
    if (this.buffer.held > this.#most) this.#fold()
  }

  /** Most bodies are text, and are cheaper kept as text. */
  #expect(): void {
    const kind = this.#kindByHead()
    if (kind === 'opaque') this.buffer.drop()
    else if (kind !== undefined && kind !== 'eventstream') this.buffer.expectText()
  }

  /** Bytes that are the host's are read while they are there, which spares keeping their text. */
  #readWhole(body: Buffer): boolean {
    if (this.#plainKind !== 'json') return false
    const reader = new ResponseReader('json', this.#head.readerOptions)
    const reading = reader.finishShort(body)
    if (reading === undefined) return false
    this.buffer.pass(body.length)
    this.reader = reader
    this.#reading = reading
    return true
  }

  #kindByHead(): BodyKind | undefined {
    const { contentType, contentEncoding } = this.#head
    if (contentType === undefined || contentEncoding !== undefined) return undefined
    this.#plainKind = bodyKind(contentType, noBytes)
    if (this.#plainKind === 'sse' && this.#head.readerOptions.own === undefined)
      this.#most = wholeStreamBytes
    return this.#plainKind
  }

  /** Reads what is left of the body, once; a body that cannot be read gives an empty reading. */
  read(): MaybePromise<Reading> {
    this.#reading ??= this.#read()
    return this.#reading
  }

  #read(): MaybePromise<Reading> {
    const { buffer } = this
    if (buffer.isEmpty) return emptyReading()
    if (this.overflowed) return this.reader?.finishEnd(buffer) ?? emptyReading()
    if (this.reader) return this.reader.finishBody(buffer)
    const isPlain = this.#plainKind !== undefined
    const { contentType, contentEncoding: encoding } = isPlain ? plain : this.#head
    const start = isPlain ? noBytes : buffer.peek(64)
    const kind = this.#plainKind ?? bodyKind(contentType, start)
    if (kind === 'opaque') {
      buffer.drop()
      return emptyReading()
    }
    this.reader = new ResponseReader(kind, this.#head.readerOptions)
    if (encoding === undefined || !isEncoded(encoding, start)) return this.reader.finishBody(buffer)
    this.encoded = true
    const { reader } = this
    return decode(buffer.takeBytes(), encoding, 4 * this.#maxBytes).then(
      (bytes) => reader.finishBytes(bytes),
      () => emptyReading(),
    )
  }

  #fold(): void {
    const { buffer } = this
    if (this.reader === undefined) {
      const start = buffer.peek(64)
      if (isEncoded(this.#head.contentEncoding, start)) {
        this.#bound()
        return
      }
      this.reader = new ResponseReader(
        bodyKind(this.#head.contentType, start),
        this.#head.readerOptions,
      )
    }
    if (this.reader.kind === 'opaque') buffer.drop()
    else if (this.reader.kind === 'json') this.#bound()
    else {
      this.#most = windowBytes
      this.reader.take(buffer, windowBytes)
    }
  }

  #bound(): void {
    if (this.buffer.held <= this.#maxBytes) return
    this.overflowed = true
    // What is compressed has no end that could be read without the rest.
    if (this.reader === undefined) this.buffer.drop()
    else this.buffer.keepEnd(4 * endLength)
  }
}
