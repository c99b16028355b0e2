import type { EncodingName } from './encoding.js'

/** Tool definitions as the tokenizer needs them. */
export interface ToolTexts {
  texts: string[]
  overhead: number
}

// OpenAI's cookbook, "Counting tokens for chat completions with tool calls".
const perFunction = { o200k_base: 7, cl100k_base: 10 } as const
const perProperties = 3
const perProperty = 3
const perEnum = -3
const perEnumItem = 3
const perToolList = 12

/** Functions, properties and enum items walked; a longer list is counted as its JSON. */
const maxItems = 2000
const maxDepth = 16

/** What was found so far, and how much there is to walk as far as one knows. */
interface Walk extends ToolTexts {
  items: number
}

type Fields = Readonly<Record<string, unknown>>

/**
 * The texts and structural tokens of tool definitions: OpenAI's (Chat Completions, Responses, the old
 * `functions`) and Anthropic's by the cookbook's formula, nested properties like outer ones; any
 * other kind of tool as its JSON.
 */
export function toolTexts(tools: unknown, encoding: EncodingName): ToolTexts {
  if (!Array.isArray(tools) || tools.length === 0) return { texts: [], overhead: 0 }
  const list: readonly unknown[] = tools
  const found: Walk = { texts: [], overhead: 0, items: list.length }
  for (const tool of list) {
    if (isFull(found)) break
    addTool(found, tool, perFunction[encoding])
  }
  if (isFull(found)) return { texts: [json(list)], overhead: perToolList }
  return { texts: found.texts, overhead: found.overhead + perToolList }
}

function addTool(found: Walk, tool: unknown, overhead: number): void {
  const definition = isFields(tool) && isFields(tool.function) ? tool.function : tool
  if (!isFields(definition) || typeof definition.name !== 'string') {
    add(found, 0, json(tool))
    return
  }
  add(found, overhead, line(definition.name, definition.description))
  addSchema(found, definition.parameters ?? definition.input_schema, 0)
}

function addSchema(found: Walk, schema: unknown, depth: number): void {
  if (!isFields(schema) || depth > maxDepth) return
  const { properties } = schema
  if (isFields(properties)) {
    const names = Object.keys(properties)
    found.items += names.length
    if (names.length > 0) found.overhead += perProperties
    for (const name of names) {
      if (isFull(found)) return
      addProperty(found, name, properties[name], depth)
    }
  }
  addSchema(found, schema.items, depth + 1)
}

function addProperty(found: Walk, name: string, property: unknown, depth: number): void {
  const { type, description, enum: values } = isFields(property) ? property : {}
  add(found, perProperty, line(name, Array.isArray(type) ? type.join('|') : type, description))
  if (Array.isArray(values)) {
    const list: readonly unknown[] = values
    found.items += list.length
    found.overhead += perEnum
    for (const item of list) {
      if (isFull(found)) return
      add(found, perEnumItem, typeof item === 'string' ? item : json(item))
    }
  }
  addSchema(found, property, depth + 1)
}

function add(found: Walk, overhead: number, text: string): void {
  found.overhead += overhead
  found.texts.push(text)
}

function isFull(found: Walk): boolean {
  return found.items > maxItems
}

/** `name:type:description` without a final full stop, as the cookbook writes it. */
function line(...parts: unknown[]): string {
  const given = parts.filter((part) => typeof part === 'string')
  return given.join(':').replace(/\.$/, '')
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function json(value: unknown): string {
  try {
    const text: unknown = JSON.stringify(value)
    return typeof text === 'string' ? text : ''
  } catch {
    return ''
  }
}
