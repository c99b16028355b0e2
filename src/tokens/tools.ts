import type { EncodingName } from './encoding.js'

/** Tool definitions as the tokenizer needs them. */
export interface ToolTexts {
  texts: string[]
  overhead: number
  /** False when there were too many to look at all of them: then `overhead` has a guess for the rest. */
  isWhole: boolean
}

// OpenAI's cookbook, "Counting tokens for chat completions with tool calls".
const perFunction = { o200k_base: 7, cl100k_base: 10 } as const
const perProperties = 3
const perProperty = 3
const perEnum = -3
const perEnumItem = 3
const perToolList = 12

/** Functions, properties and enum items walked; the rest is taken to be like them. */
const maxItems = 2000
const maxDepth = 16

/** What was found so far. */
interface Walk extends ToolTexts {
  /** Of all texts, in characters. */
  length: number
}

/** What a token of a tool's names and descriptions is long, in characters of ordinary text. */
const charactersPerToken = 4

type Fields = Readonly<Record<string, unknown>>

/**
 * The texts and structural tokens of tool definitions: OpenAI's (Chat Completions, Responses, the old
 * `functions`) and Anthropic's by the cookbook's formula, nested properties like outer ones; any
 * other kind of tool as its JSON.
 */
export function toolTexts(tools: unknown, encoding: EncodingName): ToolTexts {
  const found: Walk = { texts: [], overhead: 0, isWhole: true, length: 0 }
  if (!Array.isArray(tools) || tools.length === 0) return found
  found.overhead += perToolList
  each(found, tools, (tool: unknown) => addTool(found, tool, perFunction[encoding]))
  return found
}

/** Visits items while there is room; what is left is taken to be like those visited. */
function each<T>(found: Walk, list: readonly T[], visit: (item: T) => void): void {
  const before = sizeOf(found)
  let visited = 0
  while (visited < list.length && found.texts.length < maxItems) {
    visit(list[visited] as T)
    visited += 1
  }
  if (visited === list.length) return
  found.isWhole = false
  const perItem =
    visited === 0
      ? sizeOf(found) / Math.max(1, found.texts.length)
      : (sizeOf(found) - before) / visited
  found.overhead += Math.round(perItem * (list.length - visited))
}

/** About how many tokens were found. */
function sizeOf({ overhead, length }: Walk): number {
  return overhead + length / charactersPerToken
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
    if (names.length > 0) found.overhead += perProperties
    each(found, names, (name) => addProperty(found, name, properties[name], depth))
  }
  addSchema(found, schema.items, depth + 1)
}

function addProperty(found: Walk, name: string, property: unknown, depth: number): void {
  const { type, description, enum: values } = isFields(property) ? property : {}
  add(found, perProperty, line(name, Array.isArray(type) ? type.join('|') : type, description))
  if (Array.isArray(values)) {
    found.overhead += perEnum
    each(found, values, (item: unknown) =>
      add(found, perEnumItem, typeof item === 'string' ? item : json(item)),
    )
  }
  addSchema(found, property, depth + 1)
}

function add(found: Walk, overhead: number, text: string): void {
  found.overhead += overhead
  found.length += text.length
  found.texts.push(text)
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
