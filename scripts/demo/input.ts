import * as z from 'zod'
import { Problem } from './problem.js'

const MODEL_NAME_CHARACTERS = 200
const MAX_MESSAGES = 1000

const text = z.string().refine((value) => value.trim() !== '', 'must not be empty')
const content = z.union([
  text,
  z.array(z.object({ type: z.literal('text'), text: z.string() })).min(1),
])

const chat = z
  .object({
    message: text.optional(),
    messages: z
      .array(z.object({ role: z.enum(['system', 'developer', 'user', 'assistant']), content }))
      .min(1)
      .max(MAX_MESSAGES)
      .refine((list) => list.some(({ role }) => role === 'user'), 'needs a message of role user')
      .optional(),
    model: z.string().min(1).max(MODEL_NAME_CHARACTERS).optional(),
    max_tokens: z.int().min(1).max(1_000_000).optional(),
  })
  .refine(({ message, messages }) => (message === undefined) !== (messages === undefined), {
    message: 'give either message (a string) or messages (an array)',
  })

const summarize = z.object({ text })
const question = z.object({ question: text, context: z.string().optional() })
const mindmap = z.object({ topic: text })

type Role = 'system' | 'user' | 'assistant'

export interface Turn {
  readonly role: Role
  readonly content: string
}

/** What the demo asks a provider, in no provider's shape. */
export interface Conversation {
  readonly turns: readonly Turn[]
  /** Undefined: the upstream's default model. */
  readonly model?: string | undefined
  readonly maxTokens?: number | undefined
}

/** `{ message }` or `{ messages, model?, max_tokens? }`. Throws {@link Problem} 400. */
export function parseChat(body: unknown): Conversation {
  const { message, messages, model, max_tokens: maxTokens } = parse(chat, body)
  const turns = messages?.map((turn) => ({
    role: turn.role === 'developer' ? ('system' as const) : turn.role,
    content:
      typeof turn.content === 'string'
        ? turn.content
        : turn.content.map((part) => part.text).join('\n'),
  }))
  return { turns: turns ?? [{ role: 'user', content: message ?? '' }], model, maxTokens }
}

export function parseSummarize(body: unknown): { text: string } {
  return parse(summarize, body)
}

export function parseQuestion(body: unknown): { question: string; context?: string | undefined } {
  return parse(question, body)
}

export function parseMindmap(body: unknown): { topic: string } {
  return parse(mindmap, body)
}

function parse<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  if (body === undefined) {
    throw new Problem(400, 'bad_request', 'Send a JSON object with content-type application/json.')
  }
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map(({ path, message }) => ({
    path: path.join('.') || 'body',
    message,
  }))
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ')
  throw new Problem(400, 'bad_request', detail, { errors })
}
