import type { IncomingMessage } from 'node:http'
import { arrayAt, isObject, parseJson, type Json, type JsonObject } from './json.js'
import { imagesOf } from './prompt-images.js'
import type { PromptMessage, PromptText } from '../tokens/counter.js'

/** The keys under which hosts commonly take what goes to the model. */
const promptKeys = [
  'system',
  'instructions',
  'message',
  'prompt',
  'input',
  'text',
  'question',
  'context',
  'topic',
  'query',
  'content',
]

/** Where providers take a conversation (Gemini: `contents`), and what stands before it. */
const messageKeys = ['messages', 'input', 'contents']
const systemKeys = ['system', 'instructions', 'systemInstruction', 'system_instruction']

/** What a request asks of the model. */
export interface Ask {
  /** Absent when the prompt cannot be seen (no parsed body, or files). */
  prompt?: PromptText
  model?: string
}

/**
 * Reads the prompt and the model from the request as the host's body parser left it; for a request
 * without a body, from the query. Called after the response, so what the host added is seen too.
 */
export function readAsk(req: IncomingMessage): Ask {
  const body = parsedBody(req)
  if (isObject(body)) return askOf(body, !isMultipart(req))
  if (typeof body === 'string' && body.length > 0) return { prompt: plain([body]) }
  return hasBody(req) ? {} : readQuery(req)
}

/** Reads the prompt and the model from a request's JSON, the host's own or a provider's. */
export function askOf(body: Json | undefined, seesPrompt = true): Ask {
  if (!isObject(body)) return {}
  const model = typeof body.model === 'string' ? body.model : undefined
  const prompt = seesPrompt ? promptOf(body) : undefined
  return { ...(prompt && { prompt }), ...(model !== undefined && { model }) }
}

function parsedBody(req: IncomingMessage): unknown {
  const body: unknown = 'body' in req ? req.body : undefined
  if (!(body instanceof Uint8Array) || body.byteLength > 4 * 1024 * 1024) return body
  const text = Buffer.from(body).toString('utf8')
  return parseJson(text) ?? text
}

function promptOf(body: JsonObject): PromptText | undefined {
  const messages = messageKeys.map((key) => arrayAt(body, key)).find((list) => list.some(isObject))
  if (messages) {
    const system = systemKeys.flatMap((key) => texts(body[key]))
    return {
      messages: [
        ...system.map((text) => ({ role: 'system', text })),
        ...messages.flatMap(messageOf),
      ],
      ...(Array.isArray(body.tools) && { tools: body.tools }),
    }
  }
  const parts = promptKeys.flatMap((key) => texts(body[key]))
  return parts.length > 0 ? plain(parts) : undefined
}

function messageOf(message: Json): PromptMessage[] {
  if (!isObject(message))
    return typeof message === 'string' ? [{ role: 'user', text: message }] : []
  const said =
    message.content ?? message.parts ?? message.text ?? message.arguments ?? message.output
  const text = texts(said).join('')
  const role = typeof message.role === 'string' ? message.role : 'user'
  const images = imagesOf(message)
  return [
    {
      role,
      text,
      ...(typeof message.name === 'string' && { name: message.name }),
      ...(images.length > 0 && { images }),
    },
  ]
}

/** The text in a string, a list of strings, or a list of content parts. */
function texts(value: Json | undefined): string[] {
  if (typeof value === 'string') return value.length > 0 ? [value] : []
  if (Array.isArray(value)) return value.flatMap(texts)
  if (isObject(value)) return texts(value.text ?? value.content ?? value.parts)
  return []
}

function plain(parts: string[]): PromptText {
  return { messages: [{ text: parts.join('\n') }] }
}

function readQuery(req: IncomingMessage): Ask {
  const mark = req.url?.indexOf('?') ?? -1
  if (mark === -1 || req.url === undefined) return {}
  const query = Object.fromEntries(new URLSearchParams(req.url.slice(mark + 1)))
  const prompt = promptOf(query)
  return { ...(prompt && { prompt }), ...(query.model !== undefined && { model: query.model }) }
}

function hasBody(req: IncomingMessage): boolean {
  const length = req.headers['content-length']
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

function isMultipart(req: IncomingMessage): boolean {
  return req.headers['content-type']?.startsWith('multipart/') ?? false
}
