const cr = 13
const lf = 10

/** An event that grows beyond this passes in pieces, bytes. */
const maxEventBytes = 4 * 1024 * 1024

/**
 * Cuts a `text/event-stream` into whole events, each with the blank line that ends it, so that a
 * stream never stops in the middle of one. The bytes stay as they are.
 */
export class SseEvents {
  #pieces: Buffer[] = []
  #held = 0
  #atLineStart = true
  #afterCr = false

  push(chunk: Buffer): Buffer[] {
    const events: Buffer[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at += 1) {
      if (!this.#endsEvent(chunk, at)) continue
      // The LF of a CRLF belongs to the line that its CR has ended.
      if (chunk[at] === cr && chunk[at + 1] === lf) at += 1
      this.#afterCr = chunk[at] === cr
      events.push(this.#take(chunk.subarray(start, at + 1)))
      start = at + 1
    }
    if (start < chunk.length) {
      this.#pieces.push(chunk.subarray(start))
      this.#held += chunk.length - start
    }
    if (this.#held > maxEventBytes) events.push(this.#take(Buffer.alloc(0)))
    return events
  }

  /** What no blank line has ended. */
  end(): Buffer {
    return this.#take(Buffer.alloc(0))
  }

  /** Whether the byte ends a blank line. */
  #endsEvent(chunk: Buffer, at: number): boolean {
    const byte = chunk[at]
    const isEnd = byte === cr || byte === lf
    if (byte === lf && this.#afterCr) {
      this.#afterCr = false
      return false
    }
    this.#afterCr = byte === cr
    const isBlank = isEnd && this.#atLineStart
    this.#atLineStart = isEnd
    return isBlank
  }

  #take(last: Buffer): Buffer {
    const event = this.#pieces.length === 0 ? last : Buffer.concat([...this.#pieces, last])
    this.#pieces = []
    this.#held = 0
    return event
  }
}
