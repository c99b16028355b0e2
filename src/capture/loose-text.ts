import { isObject, type Json } from './json.js'
import { addText, maxTextLength, type Reading } from './reading.js'

/** Says what something is, or what was asked, and is none of the model's words. */
const otherKeys = new Set([
  ...['id', '_id', 'model', 'provider', 'role', 'type', 'object', 'status', 'url', 'language'],
  ...['prompt', 'question', 'query', 'input', 'system'],
])
const askingRoles = new Set(['user', 'human', 'system', 'developer', 'tool'])
/** Hashes, links, base64. */
const data = /^[\x21-\x7e]{48,}$/
const link = /^(?:https?|data|blob):/
const maxDepth = 12

/**
 * Takes all strings of an answer of unknown shape (a mind map, GraphQL) for what the model wrote, as
 * far as they can be. An answer without any has nothing that could be counted.
 */
export function addLooseText(value: Json, reading: Reading): void {
  collect(value, reading, maxDepth)
  if (reading.text_length === 0) delete reading.is_unread
}

function collect(value: Json | undefined, reading: Reading, depth: number): void {
  if (depth === 0 || reading.text_length > maxTextLength) return
  if (typeof value === 'string') {
    if (!data.test(value) && !link.test(value)) addText(reading, value)
  } else if (Array.isArray(value)) {
    for (const element of answersIn(value)) collect(element, reading, depth - 1)
  } else if (isObject(value)) {
    for (const key of Object.keys(value))
      if (!otherKeys.has(key)) collect(value[key], reading, depth - 1)
  }
}

/** Of a conversation, what comes after the last message to the model. */
function answersIn(list: Json[]): Json[] {
  return list.slice(list.findLastIndex(isAsked) + 1)
}

function isAsked(element: Json): boolean {
  return isObject(element) && typeof element.role === 'string' && askingRoles.has(element.role)
}
