import * as z from 'zod'
import { Refusal } from '../dialect.js'

/** A string, or parts of which the text is kept: `text`, `input_text`, `output_text`. */
export const content = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
])

export type Content = z.infer<typeof content>

export const tokenLimit = z.int().min(1).nullish()

/** The text of a message's content, parts joined by line breaks. */
export function textOf(value: Content | null | undefined): string {
  if (typeof value === 'string') return value
  return (value ?? []).map(({ text }) => text ?? '').join('\n')
}

/** The body in the schema's type; throws {@link Refusal} that names the first thing wrong. */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.infer<Schema> {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.')
  throw new Refusal('bad_request', `Invalid '${where || 'body'}': ${issue?.message ?? 'unknown'}.`)
}
