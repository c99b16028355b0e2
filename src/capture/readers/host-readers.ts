import { faultOf } from '../../fault.js'
import { isObject, type JsonObject } from '../json.js'
import { errorType, name, type Reading } from '../reading.js'
import type { Reader } from './reader.js'

/** Undefined where there are none. */
export function createHostReaders(
  readers: readonly Reader[],
  onError: (what: string) => void,
): HostReaders | undefined {
  return readers.length === 0 ? undefined : new HostReaders(readers, onError)
}

/**
 * The host's own readers (`capture.readers`), asked before ours. One that throws counts as not
 * having read: what it had changed until then is undone, and the fault is reported.
 */
export class HostReaders {
  readonly #readers: readonly Reader[]
  readonly #onError: (what: string) => void

  constructor(readers: readonly Reader[], onError: (what: string) => void) {
    this.#readers = readers
    this.#onError = onError
  }

  /** True when one of them has read the payload. */
  read(payload: JsonObject, reading: Reading): boolean {
    for (const reader of this.#readers) {
      const { tokens, text, usage_flags, ...facts } = reading
      const before = { tokens: { ...tokens }, flags: [...usage_flags], length: text.length }
      try {
        if (reader.read(payload, reading)) {
          tidy(reading)
          return true
        }
      } catch (error) {
        this.#onError(`reader ${JSON.stringify(reader.name)} failed: ${faultOf(error)}`)
      }
      text.length = Math.min(text.length, before.length)
      const restored = { ...facts, tokens: before.tokens, usage_flags: before.flags, text }
      for (const key of Object.keys(reading)) {
        if (!(key in restored)) Reflect.deleteProperty(reading, key)
      }
      Object.assign(reading, restored)
    }
    return false
  }
}

/** What a host's reader wrote is data like any other; the figures are checked with the rest. */
function tidy(reading: Reading): void {
  reading.provider = name(reading.provider)
  reading.model = name(reading.model)
  reading.generation_id = name(reading.generation_id)
  reading.service_tier = name(reading.service_tier, 64)
  reading.output_is_final = (reading.output_is_final as unknown) === true
  if (!isObject(reading.tokens)) reading.tokens = {}
  if (!Array.isArray(reading.usage_flags)) reading.usage_flags = []
  if (reading.error_type !== undefined) reading.error_type = errorType({ type: reading.error_type })
  if (!Array.isArray(reading.text)) reading.text = []
  reading.text = reading.text.filter((piece) => typeof piece === 'string')
}
