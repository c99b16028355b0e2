/**
 * Cuts text that arrives in pieces into lines, ended by LF, CR or CRLF. Linear in the text however
 * small the pieces are; a line longer than the bound is skipped and counted.
 */
export class LineSplitter {
  readonly #onLine: (line: string, offset: number) => void
  readonly #maxLength: number
  #pieces: string[] = []
  #length = 0
  #lineOffset = 0
  #afterCr = false
  skipped = 0

  /** `onLine` gets each line without its end, and the offset in characters at which it began. */
  constructor(onLine: (line: string, offset: number) => void, maxLength: number) {
    this.#onLine = onLine
    this.#maxLength = maxLength
  }

  push(text: string): void {
    let start = 0
    if (this.#afterCr && text.length > 0) {
      this.#afterCr = false
      if (text.startsWith('\n')) {
        start = 1
        this.#lineOffset += 1
      }
    }
    let cr = text.indexOf('\r', start)
    let lf = text.indexOf('\n', start)
    while (cr !== -1 || lf !== -1) {
      const byCr = cr !== -1 && (lf === -1 || cr < lf)
      const end = byCr ? cr : lf
      const width = byCr && lf === cr + 1 ? 2 : 1
      this.#emit(text.slice(start, end), width)
      if (byCr && end + 1 === text.length) this.#afterCr = true
      start = end + width
      if (cr !== -1 && cr < start) cr = text.indexOf('\r', start)
      if (lf !== -1 && lf < start) lf = text.indexOf('\n', start)
    }
    if (start < text.length) this.#keep(text.slice(start))
  }

  /** Gives the last line if it had no end. */
  end(): void {
    if (this.#length > 0) this.#emit('', 0)
  }

  #keep(piece: string): void {
    this.#length += piece.length
    if (this.#length <= this.#maxLength) this.#pieces.push(piece)
    else this.#pieces = []
  }

  #emit(last: string, endWidth: number): void {
    const length = this.#length + last.length
    if (length > this.#maxLength) this.skipped += 1
    else if (this.#pieces.length === 0) this.#onLine(last, this.#lineOffset)
    else this.#onLine(this.#pieces.join('') + last, this.#lineOffset)
    this.#pieces = []
    this.#length = 0
    this.#lineOffset += length + endWidth
  }
}
