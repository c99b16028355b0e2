import type { Dialect } from '../dialect.js'
import type { BilledPlan, Format, Frame, ShapeOptions } from '../format.js'
import { stepsOf, type Completion } from '../inference.js'
import { randomId } from '../random.js'
import type { TokenUsage } from '../usage.js'
import { parseChatBody, promptOf, type ChatBody } from './openai-chat.js'

/** Where a field stands that a provider adds: the whole answer, or a chunk of the stream. */
export type Place = 'answer' | 'first' | 'finish'

/** How a provider's chat differs from OpenAI's, which it follows. */
export interface ChatTraits {
  readonly path: string
  readonly dialect: Dialect
  readonly idPrefix: string
  /** False: no prompt is ever cached. */
  readonly caches: boolean
  /** Field of the message that tells what the model thought. */
  readonly thoughtField?: 'reasoning' | 'reasoning_content'
  /** Where the stream has the usage: with the finish reason, or on a chunk of its own after it. */
  readonly usageChunk: 'finish' | 'own'
  /** Whether the stream has usage only for those who ask with `stream_options.include_usage`. */
  readonly usageOnRequest: boolean
  usage(completion: Completion): object
  /** Fields at the top, beside `choices`; `usage` is undefined when it is to be left out. */
  beside?(place: Place, id: string, usage: object | undefined): object
  readonly costUsd?: (usage: TokenUsage, completion: Completion) => number
}

const THOUGHT = 'Let me think about what is asked before answering.'

/** Chat completions of a provider that follows OpenAI's format with traits of its own. */
export function compatibleChat(traits: ChatTraits): Format {
  const { caches, dialect, path } = traits
  return {
    method: 'POST',
    path,
    dialect,
    plan: ({ body }, inference) => {
      const chat = parseChatBody(body)
      const completion = inference.complete({
        provider: dialect.provider,
        ...promptOf(chat),
        ...(!caches && { cacheBreakpoints: [] }),
      })
      return chatPlan(traits, chat, completion)
    },
  }
}

function chatPlan(traits: ChatTraits, chat: ChatBody, completion: Completion): BilledPlan {
  const id = randomId(traits.idPrefix)
  const { model, text, truncated, usage } = completion
  const shared = { id, created: Math.floor(Date.now() / 1000), model: model.snapshot }
  const { costUsd } = traits
  return {
    kind: 'billed',
    id,
    model: model.snapshot,
    stream: chat.stream === true,
    usage,
    steps: stepsOf(completion),
    ...(costUsd && { costUsd: (used) => costUsd(used, completion) }),
    json: (options) => {
      const message = { role: 'assistant', content: text, ...thoughtOf(traits, completion) }
      const told = options.usage ? traits.usage(completion) : undefined
      return {
        ...shared,
        object: 'chat.completion',
        choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(truncated) }],
        ...(told && { usage: told }),
        ...traits.beside?.('answer', id, told),
      }
    },
    frames: (options) => chatFrames(traits, chat, completion, { shared, options }),
    failureFrame: () => {
      const { body } = traits.dialect.failure('server_error', 'The server had an error.', id)
      return `data: ${JSON.stringify(body)}\n\n`
    },
  }
}

function finishOf(truncated: boolean): string {
  return truncated ? 'length' : 'stop'
}

function thoughtOf({ thoughtField }: ChatTraits, { model }: Completion): object {
  return thoughtField && model.reasoning ? { [thoughtField]: THOUGHT } : {}
}

function* chatFrames(
  traits: ChatTraits,
  { stream_options: asked }: ChatBody,
  completion: Completion,
  { shared, options }: { shared: { id: string }; options: ShapeOptions },
): Generator<Frame> {
  const told = options.usage ? traits.usage(completion) : undefined
  const usage = traits.usageOnRequest && asked?.include_usage !== true ? undefined : told
  const beside = (place: Place) => traits.beside?.(place, shared.id, told)
  const frame = (choices: object[], tokens: number, more?: object): Frame => {
    const chunk = { ...shared, object: 'chat.completion.chunk', choices, ...more }
    return { wire: `data: ${JSON.stringify(chunk)}\n\n`, tokens }
  }
  const choice = (delta: object, finish_reason: string | null = null) => [
    { index: 0, delta, logprobs: null, finish_reason },
  ]
  const opening = { role: 'assistant', content: '', ...thoughtOf(traits, completion) }
  yield frame(choice(opening), completion.usage.reasoning_tokens, beside('first'))
  for (const { text, tokens } of completion.pieces) yield frame(choice({ content: text }), tokens)
  yield frame(choice({ content: '' }, finishOf(completion.truncated)), 0, {
    ...(traits.usageChunk === 'finish' && usage && { usage }),
    ...beside('finish'),
  })
  if (traits.usageChunk === 'own' && usage) yield frame([], 0, { usage })
  yield { wire: 'data: [DONE]\n\n', tokens: 0 }
}
