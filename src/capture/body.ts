import { StringDecoder } from 'node:string_decoder'

/** A piece of a response body and when it was written. */
interface Chunk {
  readonly bytes: Buffer | string
  readonly encoding: BufferEncoding | undefined
}

/** How many chunk times are kept: enough to find the first token behind comments and role chunks. */
const maxChunkTimes = 64

/**
 * Holds what a response wrote until someone reads it. Writing is cheap (a reference or a copy);
 * joining and decoding happen on `take`.
 */
export class BodyBuffer {
  #chunks: Chunk[] = []
  readonly #decoder = new StringDecoder('utf8')
  #dropping = false
  /** Body bytes seen in all. */
  bytes = 0
  /** Bytes held now. */
  held = 0
  /** For each of the first chunks: body offset at its start, and the monotonic ms of its write. */
  readonly times: { offset: number; at: number }[] = []

  /** Keeps a chunk as `res.write` got it. Buffers are copied, as the host may use them again. */
  add(chunk: unknown, encoding: unknown, at: number): void {
    const encodingName = typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined
    let length: number
    if (typeof chunk === 'string') length = Buffer.byteLength(chunk, encodingName)
    else if (chunk instanceof Uint8Array) length = chunk.byteLength
    else return
    if (length === 0) return
    if (this.times.length < maxChunkTimes) this.times.push({ offset: this.bytes, at })
    this.bytes += length
    if (this.#dropping) return
    this.held += length
    this.#chunks.push({
      bytes: typeof chunk === 'string' ? chunk : Buffer.from(chunk),
      encoding: encodingName,
    })
  }

  /** The held bytes, leaving none. */
  takeBytes(): Buffer {
    const buffers = this.#chunks.map(({ bytes, encoding }) =>
      typeof bytes === 'string' ? Buffer.from(bytes, encoding) : bytes,
    )
    this.#chunks = []
    this.held = 0
    return buffers.length === 1 && buffers[0] ? buffers[0] : Buffer.concat(buffers)
  }

  /** The held bytes as text, leaving none; a character cut in two stays for the next call. */
  takeText(): string {
    if (!this.#chunks.every(isUtf8Text)) return this.#decoder.write(this.takeBytes())
    const text = this.#decoder.end() + this.#chunks.map((chunk) => chunk.bytes).join('')
    this.#chunks = []
    this.held = 0
    return text
  }

  /** The first held bytes, to tell what they are without taking them. Encoders begin with tiny chunks. */
  peek(length: number): Buffer {
    const first: Buffer[] = []
    let missing = length
    for (const { bytes, encoding } of this.#chunks) {
      if (missing <= 0) break
      const piece =
        typeof bytes === 'string'
          ? Buffer.from(bytes.slice(0, 2 * missing), encoding)
          : bytes.subarray(0, missing)
      first.push(piece)
      missing -= piece.length
    }
    return Buffer.concat(first).subarray(0, length)
  }

  /** Forgets what is held; later chunks are only counted. */
  drop(): void {
    this.#chunks = []
    this.held = 0
    this.#dropping = true
  }
}

function isUtf8Text({ bytes, encoding }: Chunk): boolean {
  if (typeof bytes !== 'string') return false
  return encoding === undefined || encoding === 'utf8' || encoding === 'utf-8'
}
