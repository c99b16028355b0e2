import * as z from 'zod'
import type { Message } from '../inference.js'
import { textOf } from './content.js'

const cacheControl = z.looseObject({
  type: z.literal('ephemeral'),
  ttl: z.enum(['5m', '1h']).optional(),
})

const blocks = z.union([
  z.string(),
  z.array(
    z.looseObject({
      type: z.string(),
      text: z.string().optional(),
      cache_control: cacheControl.nullish(),
    }),
  ),
])

export const messagesBody = z.looseObject({
  model: z.string(),
  max_tokens: z.int().min(1),
  system: blocks.optional(),
  messages: z
    .array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content: blocks }))
    .min(1),
  stream: z.boolean().optional(),
  tools: z.array(z.unknown()).optional(),
  cache_control: cacheControl.nullish(),
})

export type MessagesBody = z.infer<typeof messagesBody>

type Blocks = z.infer<typeof blocks>
type Block = Exclude<Blocks, string>[number]

/** The system prompt and the turns as messages. */
export function messagesOf({ system, messages }: MessagesBody): Message[] {
  const turns = messages.map(({ role, content }) => ({ role, text: textOf(content) }))
  return system === undefined ? turns : [{ role: 'system', text: textOf(system) }, ...turns]
}

/** All text from the start up to each `cache_control`, in Anthropic's order: tools, system, messages. */
export function cacheBreakpoints(body: MessagesBody): string[] {
  let text = body.tools ? JSON.stringify(body.tools) : ''
  const breakpoints = hasCacheControl(body.tools) ? [text] : []
  for (const block of allBlocks(body)) {
    text += `\n${block.text ?? ''}`
    if (block.cache_control) breakpoints.push(text)
  }
  // A top-level cache_control asks for one breakpoint after the last block.
  if (body.cache_control) breakpoints.push(text)
  return breakpoints
}

/** Whether the first breakpoint asks for the one-hour cache instead of the five minutes. */
export function cachesForAnHour(body: MessagesBody): boolean {
  const first = allBlocks(body).find((block) => block.cache_control) ?? body
  return first.cache_control?.ttl === '1h'
}

function allBlocks({ system, messages }: MessagesBody): Block[] {
  return [...blocksOf(system ?? []), ...messages.flatMap(({ content }) => blocksOf(content))]
}

function blocksOf(content: Blocks): Block[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content
}

function hasCacheControl(tools: readonly unknown[] | undefined): boolean {
  return (tools ?? []).some(
    (tool) => typeof tool === 'object' && tool !== null && 'cache_control' in tool,
  )
}
