import { StringDecoder } from 'node:string_decoder'
import { addEarlier } from './answers.js'
import type { BodyBuffer } from './body.js'
import { kindWithin, type BodyKind } from './content.js'
import { TextReader } from './data-stream.js'
import { EventStreamReader } from './event-stream.js'
import { checkFigures } from './figures.js'
import { completeElements } from './json-array.js'
import { parseJson, type Json } from './json.js'
import { addLooseText } from './loose-text.js'
import { lastMembers } from './json-end.js'
import { shortened } from './json-short.js'
import { LineSplitter } from './lines.js'
import type { Origin } from './origin.js'
import {
  addText,
  emptyReading,
  hasFigures,
  maxTextLength,
  unnamedError,
  type Reading,
} from './reading.js'
import { readInvocationHeaders } from './readers/bedrock-invoke.js'
import { closingBytes, openingBytes, readFactEvents, readOpening } from './fact-events.js'
import type { HostReaders } from './readers/host-readers.js'
import { readPayload } from './readers/index.js'
import { SseReader } from './sse.js'

export interface ResponseReaderOptions {
  /** Where the response came from, when it is a provider's own. */
  origin?: Origin | undefined
  /** The host's readers, asked first. */
  own?: HostReaders | undefined
  /** The response's headers by lower-case name: Bedrock's InvokeModel counts there. */
  header?: ((name: string) => string | undefined) | undefined
}

/** What cuts text that comes in pieces into payloads. */
interface Pieces {
  push(text: string): void
  end(): void
}

/** Reads a response body of one kind, in one piece or in windows, into a `Reading`. */
export class ResponseReader {
  readonly kind: BodyKind
  reading: Reading
  /** Offset in characters (frames: bytes) of the first event that carried text. */
  firstTextOffset: number | undefined
  readonly #options: ResponseReaderOptions
  #windows = 0
  #decoder: StringDecoder | undefined
  #pieces: Pieces | undefined
  #frames: EventStreamReader | undefined

  constructor(kind: BodyKind, options: ResponseReaderOptions = {}) {
    this.kind = kind
    this.#options = options
    this.reading = emptyReading(options.origin)
  }

  /** Folds a window of the body. JSON bodies come whole, to `finish`. */
  push(text: string): void {
    this.#windows += 1
    this.#pieces ??= this.#piecesOf(this.kind)
    this.#pieces?.push(text)
  }

  /** Folds a window of bytes: the only way for binary frames, any way for the rest. */
  pushBytes(bytes: Buffer): void {
    if (this.kind === 'eventstream') {
      this.#frames ??= new EventStreamReader((payload, offset) => this.#value(payload, offset))
      this.#frames.push(bytes)
    } else {
      this.#decoder ??= new StringDecoder('utf8')
      this.push(this.#decoder.write(bytes))
    }
  }

  /** Folds so much of what a buffer holds; of binary frames, all. */
  take(body: BodyBuffer, length: number): void {
    if (this.kind === 'eventstream') this.pushBytes(body.takeBytes())
    else this.push(body.takeText(length))
  }

  /** Folds what a buffer still holds and answers what was read. */
  finishBody(body: BodyBuffer): Reading {
    if (this.kind === 'eventstream' || (this.kind === 'json' && !body.isText)) {
      return this.finishBytes(body.takeBytes())
    }
    if (this.#mayLeaveOut && this.#options.origin?.provider !== undefined) {
      const ends = body.ends(openingBytes, closingBytes)
      if (ends !== undefined && this.#readFacts(ends.opening, ends.closing)) {
        body.drop()
        return this.#checked()
      }
    }
    return this.finish(body.takeText())
  }

  /** Answers the figures at the end of a JSON body of which no more was kept, if they are whole. */
  finishEnd(body: BodyBuffer): Reading {
    const members = lastMembers(body.takeText())
    if (members !== undefined) readPayload(members, this.reading)
    if (!hasFigures(this.#checked())) this.reading = emptyReading(this.#options.origin)
    return this.reading
  }

  /** Folds the last (often the only) window and answers what was read. */
  finish(text: string): Reading {
    if (this.kind === 'json') this.#json(text)
    else if (!this.#mayLeaveOut || !this.#readFacts(text)) {
      this.push(text)
      this.#pieces?.end()
      if (this.kind === 'text') this.#readWithin()
    }
    return this.#checked()
  }

  /** Text that is a payload after all is read as one; where that says nothing, it stays text. */
  #readWithin(): void {
    const { text } = this.reading
    const kind = kindWithin(text[0] ?? '')
    if (kind === undefined) return
    const reading = new ResponseReader(kind, this.#options).finish(text.join(''))
    const isText = reading.text_length > 0 && reading.is_unread !== true
    if (isText || hasFigures(reading) || reading.error_type !== undefined) this.reading = reading
  }

  /** The same for bytes. */
  finishBytes(bytes: Buffer): Reading {
    if (this.kind !== 'eventstream') {
      const short = this.finishShort(bytes)
      if (short !== undefined) return short
      const text = this.#decoder ? this.#decoder.write(bytes) : bytes.toString('utf8')
      return this.finish(text)
    }
    this.pushBytes(bytes)
    return this.#checked()
  }

  /**
   * Reads a whole JSON body but for the middle of its text. Undefined, and nothing is read, where
   * that is not enough: the text must be counted, or a reader of the host's may want it.
   */
  finishShort(bytes: Buffer): Reading | undefined {
    if (this.kind !== 'json' || this.#options.own !== undefined) return undefined
    const value = shortened(bytes)
    if (value === undefined) return undefined
    this.#value(value, 0)
    const reading = this.#checked()
    if (hasFigures(reading) && reading.error_type === undefined) return reading
    this.reading = emptyReading(this.#options.origin)
    return undefined
  }

  #piecesOf(kind: BodyKind): Pieces | undefined {
    switch (kind) {
      case 'sse':
        return new SseReader((data, offset, event) => this.#payload(data, offset, event))
      case 'ndjson':
        return new LineSplitter((line, offset) => this.#payload(line, offset), maxTextLength)
      case 'text':
        return new TextReader(
          () => this.reading,
          (text, offset) => this.#text(text, offset),
        )
      default:
        return undefined
    }
  }

  #checked(): Reading {
    const { header } = this.#options
    if (header !== undefined && !this.reading.output_is_final)
      readInvocationHeaders(header, this.reading)
    addEarlier(this.reading)
    checkFigures(this.reading)
    if (this.reading.tokens.output_tokens === undefined) this.reading.output_is_final = false
    return this.reading
  }

  #json(body: string): void {
    const text = body.startsWith('\ufeff') ? body.slice(1) : body
    const value = parseJson(text)
    if (value !== undefined) {
      this.#value(value, 0)
      if (this.reading.is_unread && this.#options.origin === undefined)
        addLooseText(value, this.reading)
    } else if (text.trimStart().startsWith('[')) {
      for (const element of completeElements(text)) this.#value(parseJson(element), 0)
    }
  }

  /** Whether a stream's text need not be looked at, should the provider's figures be complete. */
  get #mayLeaveOut(): boolean {
    return this.kind === 'sse' && this.#windows === 0 && this.#options.own === undefined
  }

  /**
   * The short way through a whole stream: the opening events up to the first text, then only
   * events that can carry figures. With `closing`, only its end is looked at: one answer of a
   * provider has its figures there, or else in every event. False when that was not enough.
   */
  #readFacts(text: string, closing?: string): boolean {
    const read = (event: string, offset: number) => this.#event(event, offset)
    const at = readOpening(text, read, () => this.reading.text_length > 0)
    if (at === undefined) return false
    if (closing === undefined) readFactEvents(text, at, read)
    else if (this.reading.text_length > 0) {
      // Figures that are in every event are complete in the last one only.
      this.reading.output_is_final = false
      const first = closing.indexOf('\n\n')
      if (first !== -1) readFactEvents(closing, first, read)
    }
    const { error_type, text_length } = this.reading
    const complete =
      hasFigures(this.reading) &&
      error_type === undefined &&
      (closing === undefined || text_length > 0)
    if (!complete) this.reading = emptyReading(this.#options.origin)
    return complete
  }

  #event(text: string, offset: number): void {
    const reader = new SseReader((data, _offset, name) => this.#payload(data, offset, name))
    reader.push(text)
    reader.end()
  }

  #payload(data: string, offset: number, event = ''): void {
    if (data.startsWith('{') || data.startsWith('"')) this.#value(parseJson(data), offset)
    else if (this.kind === 'sse' && data !== '[DONE]') this.#text(data, offset)
    if (event === 'error') this.reading.error_type ??= unnamedError
  }

  #value(value: Json | undefined, offset: number): void {
    if (value === undefined) return
    if (typeof value === 'string') addText(this.reading, value)
    else readPayload(value, this.reading, this.#options.own)
    if (this.reading.text_length > 0) this.firstTextOffset ??= offset
  }

  #text(text: string, offset = 0): void {
    addText(this.reading, text)
    if (this.reading.text_length > 0) this.firstTextOffset ??= offset
  }
}
