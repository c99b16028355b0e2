import { isObject, type Json, type JsonObject } from '../json.js'
import { providerOfAlias } from '../provider-of-model.js'
import { errorType, hasFigures, sayModel, sayProvider, type Reading } from '../reading.js'
import { invocationMetrics, readInvocationMetrics } from './bedrock-invoke.js'
import { readerOf } from './dispatch.js'
import { embeddedUsage } from './embedded-usage.js'
import { readEnvelope } from './envelope.js'
import { readMessages } from './langchain.js'
import type { HostReaders } from './host-readers.js'

/**
 * Folds one payload (a body, or one event of a stream) into `reading`: the host's own readers first,
 * then the reader of its format, then what a host's answer may hand on. An array is a stream of
 * payloads (Gemini without `alt=sse`) or a list of messages.
 */
export function readPayload(payload: Json, reading: Reading, own?: HostReaders): void {
  if (Array.isArray(payload)) {
    if (!readMessages(payload, reading)) {
      for (const element of payload) if (isObject(element)) readObject(element, reading, own)
    }
  } else if (isObject(payload)) readObject(payload, reading, own)
}

/** Hosts that always have the key say nothing with these. */
function isError(error: Json | undefined): error is Json {
  if (error === undefined || error === null || error === false || error === '') return false
  return !isObject(error) || Object.keys(error).length > 0
}

/** What else a host's own answer hands on; `before` is how much text there was of earlier ones. */
function readHosts(payload: JsonObject, reading: Reading, before: number): void {
  readEnvelope(payload, reading, before)
  const { text_length, error_type } = reading
  if (text_length === 0 && error_type === undefined && !hasFigures(reading))
    reading.is_unread = true
}

function readObject(payload: JsonObject, reading: Reading, own: HostReaders | undefined): void {
  if (own?.read(payload, reading) === true) return
  if (isError(payload.error)) reading.error_type ??= errorType(payload.error)
  else if (payload.type === 'error') {
    // OpenAI Responses put the code beside `type: "error"`.
    reading.error_type ??= errorType({ type: payload.code })
  }
  const reader = readerOf(payload)
  const { text_length } = reading
  if (reader.read(payload, reading)) {
    // A host's own `{ model, provider, usage }`, whosever usage that is.
    if (reading.model === undefined) sayModel(reading, payload.model)
    if (reading.provider === undefined) sayProvider(reading, providerOfAlias(payload.provider))
  } else {
    if (reader === embeddedUsage) readHosts(payload, reading, text_length)
    else embeddedUsage.read(payload, reading)
  }
  if (payload[invocationMetrics] !== undefined) readInvocationMetrics(payload, reading)
}
