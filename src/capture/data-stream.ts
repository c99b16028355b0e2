import { parseJson } from './json.js'
import { LineSplitter } from './lines.js'
import { maxTextLength, type Reading } from './reading.js'
import { readDataStreamPart } from './readers/ai-sdk.js'

/** How the first line of an AI SDK v4 data stream begins: `f:{"messageId":…`, `0:"text"`, `2:[…`. */
const start = /^(?:f:\{|0:"|g:"|2:\[|8:\[|9:\{|b:\{|3:"|e:\{|d:\{)/
/** Enough characters to tell. */
const startLength = 3

/**
 * Text bodies: as it comes, or the Vercel AI SDK's v4 data stream, which calls itself text/plain.
 * The first characters tell; what they cut off is held back until there are enough.
 */
export class TextReader {
  readonly #reading: () => Reading
  readonly #onText: (text: string, offset: number) => void
  readonly #lines = new LineSplitter((line, offset) => this.#line(line, offset), maxTextLength)
  #opening = ''
  #kind: 'unknown' | 'plain' | 'data-stream' = 'unknown'
  #offset = 0

  constructor(reading: () => Reading, onText: (text: string, offset: number) => void) {
    this.#reading = reading
    this.#onText = onText
  }

  push(text: string): void {
    if (this.#kind === 'unknown') {
      this.#opening += text
      if (this.#opening.length >= startLength) this.#decide()
    } else this.#take(text)
  }

  end(): void {
    if (this.#kind === 'unknown' && this.#opening.length > 0) this.#decide()
    this.#lines.end()
  }

  #decide(): void {
    this.#kind = start.test(this.#opening) ? 'data-stream' : 'plain'
    const opening = this.#opening
    this.#opening = ''
    this.#take(opening)
  }

  #take(text: string): void {
    if (this.#kind === 'data-stream') this.#lines.push(text)
    else this.#onText(text, this.#offset)
    this.#offset += text.length
  }

  #line(line: string, offset: number): void {
    const value = line[1] === ':' ? parseJson(line.slice(2)) : undefined
    // Text that only began like one.
    if (value === undefined) this.#onText(line, offset)
    else {
      readDataStreamPart(line[0] ?? '', value, this.#reading())
      this.#onText('', offset)
    }
  }
}
