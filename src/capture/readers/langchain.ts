import { add, joinFigures, setFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, stringAt, type Json, type JsonObject } from '../json.js'
import { providerOfAlias } from '../provider-of-model.js'
import {
  addText,
  figure,
  sayModel,
  sayProvider,
  type Reading,
  type TokenFigures,
} from '../reading.js'
import { mediaOfDetails } from './media.js'
import type { Reader } from './reader.js'

/**
 * LangChain's AI messages as JSON: serialized (`lc: 1`), as `{ type: 'ai', … }`, in the lists that
 * agents answer (only what came after the last human message is of this call), and in the events of
 * streamEvents. The same message comes again and again: its largest figures stand, and different
 * messages add up. A framework is no provider: only the model or the metadata tells that.
 * https://js.langchain.com/docs/concepts/messages#aimessage
 */
export const langchain: Reader = {
  name: 'langchain',
  read(payload, reading) {
    const data = objectAt(payload, 'data')
    const found =
      objectAt(payload, 'output') ?? (data && (objectAt(data, 'output') ?? objectAt(data, 'chunk')))
    const metadata = objectAt(payload, 'metadata')
    sayProvider(reading, providerOfAlias(metadata?.ls_provider))
    const list = arrayAt(payload, 'messages')
    if (list.length > 0) return readMessages(list, reading)
    return readMessage(found ?? payload, reading)
  },
}

/** The messages of an agent's answer; false when none is an AI message. */
export function readMessages(list: readonly Json[], reading: Reading): boolean {
  const start = list.findLastIndex((item) => isObject(item) && kindOf(item) === 'human')
  let isAny = false
  for (const item of list.slice(start + 1)) {
    if (isObject(item) && kindOf(item) === 'ai' && readMessage(item, reading)) isAny = true
  }
  return isAny
}

function kindOf(message: JsonObject): 'ai' | 'human' | undefined {
  const id = Array.isArray(message.id) ? message.id.at(-1) : undefined
  const kind = typeof id === 'string' ? id : (stringAt(message, 'type') ?? '')
  if (kind.startsWith('AIMessage') || kind === 'ai') return 'ai'
  return kind.startsWith('HumanMessage') || kind === 'human' ? 'human' : undefined
}

function readMessage(message: JsonObject, reading: Reading): boolean {
  const facts = objectAt(message, 'kwargs') ?? objectAt(message, 'data') ?? message
  const usage = objectAt(facts, 'usage_metadata')
  if (!usage && kindOf(message) !== 'ai') return false
  const response = objectAt(facts, 'response_metadata')
  if (response) {
    sayModel(reading, response.model_name ?? response.model)
    sayProvider(reading, providerOfAlias(response.model_provider))
  }
  addText(reading, facts.content)
  for (const part of arrayAt(facts, 'content')) if (isObject(part)) addText(reading, part.text)
  if (usage) addMessageUsage(usage, stringAt(facts, 'id') ?? '', reading)
  return true
}

/** Figures so far of each message of a reading, by message id. */
const messages = new WeakMap<Reading, Map<string, TokenFigures>>()

const maxMessages = 1000

function addMessageUsage(usage: JsonObject, messageId: string, reading: Reading): void {
  const known = messages.get(reading) ?? new Map<string, TokenFigures>()
  messages.set(reading, known)
  const id = known.size < maxMessages ? messageId : ''
  readLangchainUsage(usage, reading)
  known.set(id, joinFigures(known.get(id) ?? {}, reading.tokens, Math.max))
  let sum: TokenFigures = {}
  for (const figures of known.values()) sum = joinFigures(sum, figures, add)
  reading.tokens = sum
}

/** Folds LangChain's `usage_metadata`: cache and reasoning are inside. */
export function readLangchainUsage(usage: JsonObject, reading: Reading): void {
  const sent = objectAt(usage, 'input_token_details')
  const produced = objectAt(usage, 'output_token_details')
  setFigures(
    reading,
    {
      input: figure(usage, 'input_tokens', reading, 'input_tokens'),
      output: figure(usage, 'output_tokens', reading, 'output_tokens'),
      cacheRead: figure(sent, 'cache_read', reading, 'cache_read_tokens'),
      cacheWrite: figure(sent, 'cache_creation', reading, 'cache_write_tokens'),
      cacheWrite1h: figure(sent, 'ephemeral_1h_input_tokens', reading, 'cache_write_1h_tokens'),
      reasoning: figure(produced, 'reasoning', reading, 'reasoning_tokens'),
      total: figure(usage, 'total_tokens', reading, 'total_tokens'),
      extras: mediaOfDetails(sent, produced, reading, { audio: 'audio', image: 'image' }),
    },
    { cache: 'inside', reasoning: 'inside' },
  )
  reading.output_is_final = reading.tokens.output_tokens !== undefined
}
