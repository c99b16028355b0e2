import { LineSplitter } from './lines.js'

/**
 * An incremental reader of `text/event-stream` after the WHATWG rules: a blank line ends an event,
 * several `data:` lines make one payload. Splits anywhere give the same payloads.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseReader {
  readonly #onData: (data: string, offset: number, event: string) => void
  readonly #lines: LineSplitter
  readonly #maxLength: number
  #data: string | undefined
  #event = ''
  #offset = 0

  /** `onData` gets each event's payload, the offset in characters at which its data began, its name. */
  constructor(
    onData: (data: string, offset: number, event: string) => void,
    maxLength = 4 * 1024 * 1024,
  ) {
    this.#onData = onData
    this.#maxLength = maxLength
    this.#lines = new LineSplitter((line, offset) => this.#line(line, offset), maxLength)
  }

  /** Lines that were too long to keep. */
  get skipped(): number {
    return this.#lines.skipped
  }

  push(text: string): void {
    this.#lines.push(text)
  }

  /** Ends the stream; an event that no blank line closed still counts, since cut streams end so. */
  end(): void {
    this.#lines.end()
    this.#dispatch()
  }

  #line(line: string, offset: number): void {
    const text = offset === 0 && line.codePointAt(0) === 0xfeff ? line.slice(1) : line
    if (text.length === 0) this.#dispatch()
    else if (text.startsWith('data:')) this.#append(text.slice(text[5] === ' ' ? 6 : 5), offset)
    else if (text === 'data') this.#append('', offset)
    else if (text.startsWith('event:')) this.#event = text.slice(6).trim()
  }

  #append(value: string, offset: number): void {
    if (this.#data === undefined) {
      this.#data = value
      this.#offset = offset
    } else if (this.#data.length + value.length < this.#maxLength) {
      this.#data += '\n' + value
    }
  }

  #dispatch(): void {
    const data = this.#data
    const event = this.#event
    this.#data = undefined
    this.#event = ''
    if (data !== undefined) this.#onData(data, this.#offset, event)
  }
}
