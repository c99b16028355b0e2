import { StringDecoder } from 'node:string_decoder'
import type { Clock } from '../clock.js'

/** How many chunk times are kept: enough to find the first token behind comments and role chunks. */
const maxChunkTimes = 64

/**
 * Holds what a response wrote until someone reads it. Adding is cheap: a reference to a string, or
 * a Buffer's text. What the host may use again is not kept; text on the heap is made and forgotten
 * faster than a copy of the bytes.
 */
export class BodyBuffer {
  readonly #clock: Pick<Clock, 'elapsed'> | undefined
  #chunks: (string | Buffer)[] = []
  #decoder: StringDecoder | undefined
  #isDropping = false
  /** Set once only the end is kept: its length at least. */
  #end: number | undefined
  #isText = false
  /** Length of all text so far, where it is text; else of all bytes. */
  #offset = 0
  /** Body bytes seen in all. */
  bytes = 0
  /** Bytes held now. */
  held = 0
  /** For each of the first chunks: offset in the text at its start, and the monotonic ms of its write. */
  readonly times: { offset: number; at: number }[] = []

  /** Without a clock, no times are kept. */
  constructor(clock?: Pick<Clock, 'elapsed'>) {
    this.#clock = clock
  }

  /** Says, before the first chunk, that the body is UTF-8 text: it is then never asked for as bytes. */
  expectText(): void {
    this.#isText = true
  }

  /** Whether chunks are kept as text only. */
  get isText(): boolean {
    return this.#isText
  }

  /** Counts what has been read already. */
  pass(length: number): void {
    this.bytes += length
  }

  /** Keeps a chunk as `res.write` got it. */
  add(chunk: unknown, encoding: unknown): void {
    let length: number
    const name = typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined
    if (typeof chunk === 'string') length = Buffer.byteLength(chunk, name)
    else if (chunk instanceof Uint8Array) length = chunk.byteLength
    else return
    if (length === 0) return
    if (this.#clock && this.times.length < maxChunkTimes) {
      this.times.push({ offset: this.#offset, at: this.#clock.elapsed() })
    }
    this.bytes += length
    if (this.#isDropping) return
    this.held += length
    this.#offset += this.#keep(chunk, name, length)
    if (this.#end !== undefined) this.#trim(this.#end)
  }

  /** The same for bytes that nobody changes any more: only a reference is kept. Not after `expectText`. */
  addLasting(chunk: Buffer): void {
    const { length } = chunk
    this.bytes += length
    if (this.#isDropping || length === 0) return
    this.held += length
    this.#offset += length
    this.#chunks.push(chunk)
    if (this.#end !== undefined) this.#trim(this.#end)
  }

  /** From now on only the end is kept, so long at least. */
  keepEnd(length: number): void {
    this.#end = length
    this.#trim(length)
  }

  #trim(length: number): void {
    const sizes = this.#chunks.map((chunk) => chunk.length)
    let held = sizes.reduce((sum, size) => sum + size, 0)
    const first = sizes.findIndex((size) => (held -= size) < length)
    this.#chunks.splice(0, first)
    this.held = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  /** Answers by how much the offset grows. */
  #keep(chunk: string | Uint8Array, encoding: BufferEncoding | undefined, length: number): number {
    const isUtf8 = encoding === undefined || encoding === 'utf8' || encoding === 'utf-8'
    if (typeof chunk === 'string' && isUtf8) {
      this.#chunks.push(chunk)
      return this.#isText ? chunk.length : length
    }
    if (!this.#isText) {
      // A copy, where these are the host's own bytes.
      this.#chunks.push(
        typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk),
      )
      return length
    }
    const text = this.#decode(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)
    this.#chunks.push(text)
    return text.length
  }

  /** The held bytes, leaving none. Not after `expectText`. */
  takeBytes(): Buffer {
    const buffers = this.#chunks.map(bytesOf)
    this.#forget()
    return buffers.length === 1 && buffers[0] ? buffers[0] : Buffer.concat(buffers)
  }

  /** The held bytes as text, leaving none; a character cut in two stays for the next call. */
  takeText(): string {
    const chunks = this.#chunks
    const [first] = chunks
    if (this.#isText || chunks.every((chunk) => typeof chunk === 'string')) {
      this.#forget()
      return chunks.length === 1 && typeof first === 'string' ? first : chunks.join('')
    }
    return this.#decode(this.takeBytes())
  }

  /** Text of bytes that may begin and end within a character. */
  #decode(bytes: Uint8Array): string {
    const last = bytes.at(-1) ?? 0
    if (this.#decoder === undefined && last < 0x80 && Buffer.isBuffer(bytes))
      return bytes.toString('utf8')
    this.#decoder ??= new StringDecoder('utf8')
    return this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  /**
   * So many of the first and of the last bytes as text, without taking them; undefined where that is
   * all there is. A character that is cut becomes a replacement.
   */
  ends(first: number, last: number): { opening: string; closing: string } | undefined {
    if (this.held <= first + last) return undefined
    const closing: Buffer[] = []
    let missing = last
    for (let at = this.#chunks.length - 1; at >= 0 && missing > 0; at--) {
      const chunk = this.#chunks[at]
      if (chunk === undefined) break
      const bytes = bytesOf(chunk)
      closing.unshift(bytes)
      missing -= bytes.length
    }
    return {
      opening: this.peek(first).toString('utf8'),
      closing: Buffer.concat(closing).toString('utf8', Math.max(0, -missing)),
    }
  }

  /** The first held bytes, to tell what they are without taking them. Encoders begin with tiny chunks. */
  peek(length: number): Buffer {
    const first: Buffer[] = []
    let missing = length
    for (const bytes of this.#chunks) {
      if (missing <= 0) break
      const piece =
        typeof bytes === 'string'
          ? Buffer.from(bytes.slice(0, missing))
          : bytes.subarray(0, missing)
      first.push(piece)
      missing -= piece.length
    }
    return Buffer.concat(first).subarray(0, length)
  }

  /** Forgets what is held; later chunks are only counted. */
  drop(): void {
    this.#forget()
    this.#isDropping = true
  }

  #forget(): void {
    this.#chunks = []
    this.held = 0
  }
}

function bytesOf(chunk: string | Buffer): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}
