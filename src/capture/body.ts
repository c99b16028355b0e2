import { StringDecoder } from 'node:string_decoder'
import type { Clock } from '../clock.js'
import { firstBytes, joined, lastText, type Chunk } from './chunks.js'

/** How many chunk times are kept: enough to find the first token behind comments and role chunks. */
const maxChunkTimes = 64

/**
 * Holds what a response wrote until someone reads it. Adding is cheap: a reference to a string, or
 * a Buffer's text. What the host may use again is not kept; text on the heap is made and forgotten
 * faster than a copy of the bytes.
 */
export class BodyBuffer {
  readonly #clock: Pick<Clock, 'elapsed'> | undefined
  #chunks: Chunk[] = []
  #decoder: StringDecoder | undefined
  #isDropping = false
  /** Set once only the end is kept: its length at least. */
  #end: number | undefined
  #isText = false
  /** Length of all text so far, where it is text; else of all bytes. */
  #offset = 0
  /** Body bytes seen in all, but for the chunks that are to be measured yet. */
  #bytes = 0
  /** Chunks that are measured: all but the last ones, where those are the host's text. */
  #measured = 0
  /** Bytes held now; of text, its length. */
  held = 0
  /** For each of the first chunks: offset in the text at its start, and the monotonic ms of its write. */
  readonly #offsets: number[] = []
  readonly #times: number[] = []

  /** Without a clock, no times are kept. */
  constructor(clock?: Pick<Clock, 'elapsed'>) {
    this.#clock = clock
  }

  /** Says, before the first chunk, that the body is UTF-8 text: it is then never asked for as bytes. */
  expectText(): void {
    this.#isText = true
  }

  /** Body bytes seen in all. */
  get bytes(): number {
    this.#measure()
    return this.#bytes
  }

  /** Nothing was seen yet. */
  get isEmpty(): boolean {
    return this.#chunks.length === 0 && this.#bytes === 0
  }

  /** Chunks seen, as far as their times are kept. */
  get timed(): number {
    return this.#times.length
  }

  /** When the chunk was written in which the text has this offset, monotonic ms. */
  timeAt(offset: number): number | undefined {
    return this.#times[this.#offsets.findLastIndex((start) => start <= offset)]
  }

  /** Whether chunks are kept as text only. */
  get isText(): boolean {
    return this.#isText
  }

  /** Counts what has been read already. */
  pass(length: number): void {
    this.#bytes += length
  }

  /** Keeps a chunk as `res.write` got it. */
  add(chunk: unknown, encoding: unknown): void {
    const name = typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined
    if (typeof chunk === 'string') {
      if (this.#isText && isUtf8(name)) this.#addText(chunk)
      else this.#addBytes(chunk, name, Buffer.byteLength(chunk, name))
    } else if (chunk instanceof Uint8Array) this.#addBytes(chunk, name, chunk.byteLength)
  }

  /** A stream's own way, hundreds of times: how many bytes its text has is told at the end. */
  #addText(text: string): void {
    if (text.length === 0) return
    this.#noteTime()
    if (this.#isDropping) {
      this.#bytes += Buffer.byteLength(text)
      return
    }
    this.#chunks.push(text)
    this.#grow(text.length)
  }

  #addBytes(
    chunk: string | Uint8Array,
    encoding: BufferEncoding | undefined,
    length: number,
  ): void {
    if (length === 0) return
    this.#noteTime()
    this.#measure()
    this.#bytes += length
    if (this.#isDropping) return
    const kept = this.#kept(chunk, encoding)
    this.#chunks.push(kept)
    this.#measured += 1
    this.#grow(this.#isText ? kept.length : length)
  }

  /** The same for bytes that nobody changes any more: only a reference is kept. Not after `expectText`. */
  addLasting(chunk: Buffer): void {
    const { length } = chunk
    this.#bytes += length
    if (this.#isDropping || length === 0) return
    this.#chunks.push(chunk)
    this.#measured += 1
    this.#grow(length)
  }

  #noteTime(): void {
    if (this.#clock === undefined || this.#times.length >= maxChunkTimes) return
    this.#offsets.push(this.#offset)
    this.#times.push(this.#clock.elapsed())
  }

  #grow(length: number): void {
    this.held += length
    this.#offset += length
    if (this.#end !== undefined) this.#trim(this.#end)
  }

  #measure(): void {
    for (; this.#measured < this.#chunks.length; this.#measured++) {
      this.#bytes += Buffer.byteLength(this.#chunks[this.#measured] ?? '')
    }
  }

  /** From now on only the end is kept, so long at least. */
  keepEnd(length: number): void {
    this.#end = length
    this.#trim(length)
  }

  #trim(length: number): void {
    this.#measure()
    const sizes = this.#chunks.map((chunk) => chunk.length)
    let held = sizes.reduce((sum, size) => sum + size, 0)
    const first = sizes.findIndex((size) => (held -= size) < length)
    this.#chunks.splice(0, first)
    this.#measured = this.#chunks.length
    this.held = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  #kept(chunk: string | Uint8Array, encoding: BufferEncoding | undefined): string | Buffer {
    if (typeof chunk === 'string' && isUtf8(encoding)) return chunk
    // A copy, where these are the host's own bytes.
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
    if (this.#isText) return this.#decode(bytes)
    return typeof chunk === 'string' ? (bytes as Buffer) : Buffer.from(chunk)
  }

  /** The held bytes, leaving none. Not after `expectText`. */
  takeBytes(): Buffer {
    return joined(this.#take(Infinity))
  }

  /**
   * The first of the held bytes as text: chunks of so many together at least, or all there are. A
   * character cut in two stays for the next call.
   */
  takeText(length = Infinity): string {
    const chunks = this.#take(length)
    const [first] = chunks
    if (!this.#isText && !chunks.every((chunk) => typeof chunk === 'string'))
      return this.#decode(joined(chunks))
    return chunks.length === 1 && typeof first === 'string' ? first : chunks.join('')
  }

  #take(length: number): Chunk[] {
    let taken = 0
    const end = this.#chunks.findIndex((chunk) => (taken += chunk.length) >= length) + 1
    const chunks = this.#chunks
    const rest = end === 0 ? [] : chunks.splice(end)
    const held = rest.length === 0 ? 0 : this.held - taken
    const measured = Math.max(0, this.#measured - chunks.length)
    this.#forget()
    this.#chunks = rest
    this.#measured = measured
    this.held = held
    return chunks
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
    return {
      opening: this.peek(first).toString('utf8'),
      closing: lastText(this.#chunks, last),
    }
  }

  /** The first held bytes, to tell what they are without taking them. Encoders begin with tiny chunks. */
  peek(length: number): Buffer {
    return firstBytes(this.#chunks, length)
  }

  /** Forgets what is held; later chunks are only counted. */
  drop(): void {
    this.#forget()
    this.#isDropping = true
  }

  #forget(): void {
    this.#measure()
    this.#chunks = []
    this.#measured = 0
    this.held = 0
  }
}

function isUtf8(encoding: BufferEncoding | undefined): boolean {
  return encoding === undefined || encoding === 'utf8' || encoding === 'utf-8'
}
