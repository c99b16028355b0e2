import { crc32 } from 'node:zlib'
import { parseJson, type Json } from './json.js'

/** Lengths of a message's fixed parts, bytes: total and header length with their CRC, and the last CRC. */
const preludeBytes = 12
const trailerBytes = 4
/** Messages are far smaller; a longer one is damage. */
const maxMessageBytes = 16 * 1024 * 1024

/**
 * An incremental reader of `application/vnd.amazon.eventstream`, the frames in which Bedrock streams.
 * Each message has a length, headers, a payload and two CRCs. Splits anywhere give the same payloads;
 * after a damaged frame nothing more is read, as there is no way to find the next.
 * https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html
 */
export class EventStreamReader {
  readonly #onPayload: (payload: Json, offset: number) => void
  #pieces: Buffer[] = []
  #held = 0
  /** Bytes that must be there before there is anything to read. */
  #due = preludeBytes
  #offset = 0
  #isDamaged = false

  /** `onPayload` gets each event as ConverseStream's SSE-like form has it, and its offset in bytes. */
  constructor(onPayload: (payload: Json, offset: number) => void) {
    this.#onPayload = onPayload
  }

  get isDamaged(): boolean {
    return this.#isDamaged
  }

  push(bytes: Buffer): void {
    if (this.#isDamaged) return
    this.#pieces.push(bytes)
    this.#held += bytes.length
    if (this.#held < this.#due) return
    const rest = this.#read(this.#pieces.length === 1 ? bytes : Buffer.concat(this.#pieces))
    this.#pieces = rest.length === 0 ? [] : [rest]
    this.#held = rest.length
  }

  /** Reads the whole messages and answers what is left. */
  #read(bytes: Buffer): Buffer {
    let rest = bytes
    this.#due = preludeBytes
    while (rest.length >= preludeBytes && !this.#isDamaged) {
      const length = messageLength(rest)
      if (length === undefined) this.#isDamaged = true
      else if (rest.length < length) {
        this.#due = length
        break
      } else {
        this.#message(rest.subarray(0, length))
        this.#offset += length
        rest = rest.subarray(length)
      }
    }
    return this.#isDamaged ? Buffer.alloc(0) : rest
  }

  #message(message: Buffer): void {
    const end = message.length - trailerBytes
    if (crc32(message.subarray(0, end)) !== message.readUInt32BE(end)) {
      this.#isDamaged = true
      return
    }
    const headersEnd = preludeBytes + message.readUInt32BE(4)
    const headers = readHeaders(message.subarray(preludeBytes, headersEnd))
    const payload = parseJson(message.toString('utf8', headersEnd, end))
    const event = payloadOf(headers, payload)
    if (event !== undefined) this.#onPayload(event, this.#offset)
  }
}

function messageLength(bytes: Buffer): number | undefined {
  const length = bytes.readUInt32BE(0)
  const isSound =
    crc32(bytes.subarray(0, 8)) === bytes.readUInt32BE(8) &&
    length <= maxMessageBytes &&
    length >= preludeBytes + bytes.readUInt32BE(4) + trailerBytes
  return isSound ? length : undefined
}

/** The event under its name, or what an InvokeModel chunk carries in base64. */
function payloadOf(
  headers: ReadonlyMap<string, string>,
  payload: Json | undefined,
): Json | undefined {
  const exception = headers.get(':exception-type')
  if (exception !== undefined) return { [exception]: payload ?? null }
  if (headers.get(':message-type') === 'error') {
    return { error: { code: headers.get(':error-code') ?? null } }
  }
  const type = headers.get(':event-type')
  if (type === undefined || payload === undefined) return undefined
  if (type !== 'chunk') return { [type]: payload }
  const bytes =
    typeof payload === 'object' && payload !== null && 'bytes' in payload && payload.bytes
  return typeof bytes === 'string'
    ? parseJson(Buffer.from(bytes, 'base64').toString('utf8'))
    : undefined
}

/** Sizes of the values of fixed length, by type: true, false, byte, short, integer, long. */
const fixedSizes = [0, 0, 1, 2, 4, 8]
const typeBytes = 6
const typeString = 7
const typeTimestamp = 8
const typeUuid = 9

/** The headers with string values; the others are skipped. */
function readHeaders(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>()
  let at = 0
  while (at + 2 <= bytes.length) {
    const nameStart = at + 1
    const nameEnd = nameStart + bytes.readUInt8(at)
    if (nameEnd >= bytes.length) break
    const type = bytes.readUInt8(nameEnd)
    at = nameEnd + 1
    if (type === typeString || type === typeBytes) {
      if (at + 2 > bytes.length) break
      const end = at + 2 + bytes.readUInt16BE(at)
      if (type === typeString) {
        const name = bytes.toString('utf8', nameStart, nameEnd)
        headers.set(name, bytes.toString('utf8', at + 2, end))
      }
      at = end
    } else
      at += type === typeTimestamp ? 8 : type === typeUuid ? 16 : (fixedSizes[type] ?? bytes.length)
  }
  return headers
}
