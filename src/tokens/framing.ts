import type { EncodingName } from './encoding.js'
import type { PromptImage } from './images.js'
import { toolTexts } from './tools.js'

/** One message of a prompt; without a role it is plain text. */
export interface PromptMessage {
  role?: string
  name?: string
  text: string
  images?: readonly PromptImage[]
}

/** What was sent to a model. */
export interface PromptText {
  messages: readonly PromptMessage[]
  /** Raw provider-style tool or function definitions, if any. */
  tools?: unknown
}

/** A prompt as the tokenizer needs it: the tokens are those of all texts plus the overhead. */
export interface FramedPrompt {
  texts: string[]
  /** Tokens that stand for structure. */
  overhead: number
  images: PromptImage[]
  /** How much more there was than was looked at, by length; above 1 only beyond `maxMessages`. */
  scale: number
}

/** Messages looked at in one prompt; the rest is taken to be like them. */
export const maxMessages = 10_000

// OpenAI's cookbook, "How to count tokens with tiktoken": 3 per message, 1 more for a name, 3 to
// prime the reply. Checked there against the API for gpt-3.5-turbo, gpt-4, gpt-4o and gpt-4o-mini.
const perMessage = 3
const perName = 1
const perReply = 3

/** One token each, in both encodings. */
const oneTokenRoles = new Set(['system', 'user', 'assistant', 'tool', 'function', 'developer'])

/** About what a message's frame costs, in characters of ordinary text. */
const frameLength = 16

/**
 * The texts and the structural tokens of a prompt by OpenAI's chat format. Messages of which none
 * has a role are plain text (a completion prompt, an embedding's inputs) and get no framing.
 */
export function framePrompt(prompt: PromptText, encoding: EncodingName): FramedPrompt {
  const { messages } = prompt
  const isLong = messages.length > maxMessages
  const head = isLong ? messages.slice(0, maxMessages) : messages
  const scale = isLong ? sizeOf(messages) / sizeOf(head) : 1
  const framed: FramedPrompt = { texts: [], overhead: 0, images: [], scale }
  const isChat = head.some((message) => message.role !== undefined)
  for (const message of head) {
    addText(framed, message.text)
    if (message.images) framed.images.push(...message.images)
    if (isChat) addFrame(framed, message)
  }
  if (isChat) framed.overhead += perReply
  const tools = toolTexts(prompt.tools, encoding)
  framed.texts.push(...tools.texts)
  framed.overhead += tools.overhead
  return framed
}

function addFrame(framed: FramedPrompt, { role, name }: PromptMessage): void {
  framed.overhead += perMessage
  if (role !== undefined && oneTokenRoles.has(role)) framed.overhead += 1
  else addText(framed, role)
  if (name !== undefined) {
    framed.overhead += perName
    addText(framed, name)
  }
}

/** What the host's body holds need not be what its type says. */
function addText(framed: FramedPrompt, text: unknown): void {
  if (typeof text === 'string' && text.length > 0) framed.texts.push(text)
}

function sizeOf(messages: readonly PromptMessage[]): number {
  let size = 0
  for (const { text } of messages) size += frameLength + lengthOf(text)
  return size
}

function lengthOf(text: unknown): number {
  return typeof text === 'string' ? text.length : 0
}
