import type { BodyKind } from './content.js'
import { parseJson, type Json } from './json.js'
import { LineSplitter } from './lines.js'
import { addText, emptyReading, maxTextLength, type Reading } from './reading.js'
import { readPayload } from './readers/index.js'
import { SseReader } from './sse.js'

/** Where a stream's event may carry figures or an error; everything else is text deltas. */
const factMark = /"usage":\s*\{|"error"|^event: ?error/gm

/** How many events from the start may come before the first text. */
const openingEvents = 16

/** Reads a response body of one kind, in one piece or in windows, into a `Reading`. */
export class ResponseReader {
  readonly kind: BodyKind
  reading: Reading = emptyReading()
  /** Offset in characters of the first event that carried text. */
  firstTextOffset: number | undefined
  #windows = 0
  readonly #sse = new SseReader((data, offset, event) => this.#payload(data, offset, event))
  readonly #lines = new LineSplitter((line, offset) => this.#payload(line, offset), maxTextLength)

  constructor(kind: BodyKind) {
    this.kind = kind
  }

  /** Folds a window of the body. JSON bodies come whole, to `finish`. */
  push(text: string): void {
    this.#windows += 1
    if (this.kind === 'sse') this.#sse.push(text)
    else if (this.kind === 'ndjson') this.#lines.push(text)
    else if (this.kind === 'text') this.#text(text)
  }

  /** Folds the last (often the only) window and answers what was read. */
  finish(text: string): Reading {
    if (this.kind === 'json') this.#value(parseJson(text), 0)
    else if (this.kind === 'sse' && this.#windows === 0 && this.#readFactsOnly(text)) {
      return this.reading
    } else this.push(text)
    this.#sse.end()
    this.#lines.end()
    return this.reading
  }

  /**
   * The short way through a whole stream: the opening events up to the first text, then only
   * events that can carry figures. Enough when the provider's figures turn out complete.
   */
  #readFactsOnly(text: string): boolean {
    if (text.includes('\r')) return false
    let at = 0
    for (let events = 0; events < openingEvents && this.reading.text_length === 0; events++) {
      const end = eventEnd(text, at)
      this.#event(text, at, end)
      at = end + 2
      if (at >= text.length) break
    }
    factMark.lastIndex = Math.min(at, text.length)
    for (let mark = factMark.exec(text); mark; mark = factMark.exec(text)) {
      const start = text.lastIndexOf('\n\n', mark.index)
      const end = eventEnd(text, mark.index)
      this.#event(text, start === -1 ? 0 : start + 2, end)
      factMark.lastIndex = end
    }
    const { tokens, output_is_final, error_type } = this.reading
    const complete =
      output_is_final && tokens.input_tokens !== undefined && error_type === undefined
    if (!complete) this.reading = emptyReading()
    return complete
  }

  #event(text: string, start: number, end: number): void {
    const reader = new SseReader((data, _offset, name) => this.#payload(data, start, name))
    reader.push(text.slice(start, end))
    reader.end()
  }

  #payload(data: string, offset: number, event = ''): void {
    if (data.startsWith('{') || data.startsWith('"')) this.#value(parseJson(data), offset)
    else if (this.kind === 'sse' && data !== '[DONE]') this.#text(data, offset)
    if (event === 'error') this.reading.error_type ??= 'provider_error'
  }

  #value(value: Json | undefined, offset: number): void {
    if (value === undefined) return
    if (typeof value === 'string') addText(this.reading, value)
    else readPayload(value, this.reading)
    if (this.reading.text_length > 0) this.firstTextOffset ??= offset
  }

  #text(text: string, offset = 0): void {
    addText(this.reading, text)
    if (this.reading.text_length > 0) this.firstTextOffset ??= offset
  }
}

function eventEnd(text: string, from: number): number {
  const end = text.indexOf('\n\n', from)
  return end === -1 ? text.length : end
}
