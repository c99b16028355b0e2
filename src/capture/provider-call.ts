import type { MaybePromise } from '../maybe-promise.js'
import { BodyBuffer } from './body.js'
import { parseJson } from './json.js'
import { MessageBody } from './message-body.js'
import { askOf, type Ask } from './prompt.js'
import type { HostReaders } from './readers/host-readers.js'
import { emptyReading, name, type Reading } from './reading.js'
import type { ResponseReaderOptions } from './response-reader.js'

/** Where a call of the host went. */
export interface CallTarget {
  /** Known by its host name; undefined for hosts that were added by option. */
  readonly provider: string | undefined
  /** Path without the query. */
  readonly path: string
  /** It asks for what an earlier call began in the background. */
  readonly isLater?: boolean
}

/** How calls are read. */
export interface CallReading {
  /** Bounds what is kept of a request, and of an answer that cannot be read in windows. */
  readonly maxBytes: number
  readonly readers?: HostReaders | undefined
}

/** Endpoints at which models work, as their paths end. Others (files, models, batches) bill nothing by themselves. */
const modelPath =
  /\/(?:completions|responses|embeddings|messages|chat|generate|embed|rerank|interactions|converse(?:-stream)?|invoke(?:-with-response-stream)?|generations|edits|transcriptions|translations|speech)$|:(?:streamG|g)enerateContent$|:(?:embedContent|batchEmbedContents|predict|(?:streamR|r)awPredict)$/

/** What was begun in the background is asked for by its id: OpenAI's Responses, Gemini's Interactions. */
const laterPath = /\/(?:responses|interactions)\/[^/]+$/

/** Whether a `GET` of this path asks for what an earlier call began. */
export function asksLater(path: string): boolean {
  return laterPath.test(path)
}

/** The model where only the path names it: Gemini and Vertex, Bedrock, Azure OpenAI. */
const modelInPath = /\/(?:models?|deployments)\/([^/:]+(?::\d+)?)(?=[/:])/

/**
 * One call of the host to a provider, as it passes. What was sent is kept (bounded, until the call
 * is read) to count it if the provider's figures never come.
 */
export class ProviderCall {
  readonly target: CallTarget
  readonly answer: MessageBody
  /** Undefined until the answer's head has come. */
  status: number | undefined
  contentType: string | undefined
  contentEncoding: string | undefined
  readonly #asked = new BodyBuffer()
  readonly #how: CallReading
  #onEnd: (() => void) | undefined
  #ask: Ask | undefined

  constructor(target: CallTarget, how: CallReading, onEnd: () => void) {
    this.target = target
    this.#how = how
    this.#onEnd = onEnd
    this.answer = new MessageBody(this, how.maxBytes)
  }

  /** Where the call went outweighs what the answer looks like. */
  get readerOptions(): ResponseReaderOptions {
    const { provider, path } = this.target
    return {
      origin: { path, ...(provider !== undefined && { provider }) },
      own: this.#how.readers,
    }
  }

  get isOpen(): boolean {
    return this.#onEnd !== undefined
  }

  /** Takes note of a piece of the request's body. */
  sent(chunk: unknown, encoding?: unknown): void {
    if (!this.isOpen) return
    this.#asked.add(chunk, encoding)
    if (this.#asked.held > this.#how.maxBytes) this.#asked.drop()
  }

  /** Takes note of the answer's status; a later one (after 103) replaces it. */
  began(status: number, contentType: string | undefined, contentEncoding: string | undefined) {
    if (!this.isOpen || status < 200) return
    this.status = status
    this.contentType = contentType
    this.contentEncoding = contentEncoding
  }

  /** Takes note of a piece of the answer. */
  received(chunk: unknown): void {
    if (this.isOpen) this.answer.add(chunk, undefined)
  }

  /** The same for a piece that nobody changes any more, as far as it is one. */
  receivedLasting(chunk: unknown): void {
    if (!this.isOpen) return
    if (Buffer.isBuffer(chunk)) this.answer.addLasting(chunk)
    else this.answer.add(chunk, undefined)
  }

  /** The call is over, in whatever way; only the first time counts. */
  end(): void {
    const onEnd = this.#onEnd
    this.#onEnd = undefined
    onEnd?.()
  }

  /** What the provider said; for a call that runs still, what it has said so far. */
  read(): MaybePromise<Reading> {
    this.end()
    try {
      const reading = this.answer.read()
      return reading instanceof Promise ? reading.catch(() => emptyReading()) : reading
    } catch {
      return emptyReading()
    }
  }

  /** What the host asked for, as far as it can be seen. */
  ask(): Ask {
    this.#ask ??= this.#readAsk()
    return this.#ask
  }

  #readAsk(): Ask {
    const asked = askOf(parseJson(this.#asked.takeText()))
    this.#asked.drop()
    const model = name(asked.model) ?? name(modelOfPath(this.target.path))
    return { ...asked, ...(model !== undefined && { model }) }
  }

  /** Whether it was for a model to work, as the path tells. */
  get isForModel(): boolean {
    return modelPath.test(this.target.path)
  }
}

function modelOfPath(path: string): string | undefined {
  const found = modelInPath.exec(path)?.[1]
  try {
    return found && decodeURIComponent(found)
  } catch {
    return found
  }
}
