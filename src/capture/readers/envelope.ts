import { objectAt, type JsonObject } from '../json.js'
import { hasFigures, type Reading } from '../reading.js'
import { readerOf } from './dispatch.js'

/** Where hosts put what they answer (`{ success, data }`, tRPC's `result.data`), and its usage. */
const envelopes = [
  ...['data', 'result', 'response', 'payload', 'body', 'output', 'answer', 'completion'],
  ...['meta', 'metadata', '_meta'],
]
const maxDepth = 3

/**
 * Reads what an answer without figures carries deeper inside. Its text is that which is found first;
 * `before` is how much there was of earlier ones.
 */
export function readEnvelope(
  payload: JsonObject,
  reading: Reading,
  before: number,
  depth = maxDepth,
): void {
  for (const key of envelopes) {
    const inner = objectAt(payload, key)
    if (inner === undefined) continue
    const [pieces, length] = [reading.text.length, reading.text_length]
    readerOf(inner).read(inner, reading)
    if (!hasFigures(reading) && depth > 1) readEnvelope(inner, reading, before, depth - 1)
    if (length > before) {
      reading.text.length = pieces
      reading.text_length = length
    }
  }
}
