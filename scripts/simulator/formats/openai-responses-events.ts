import type { Frame } from '../format.js'
import type { Completion } from '../inference.js'

export interface ResponseItems {
  readonly reasoning:
    { readonly id: string; readonly type: 'reasoning'; readonly summary: [] } | undefined
  readonly message:
    | {
        readonly id: string
        readonly type: 'message'
        readonly status: string
        readonly role: 'assistant'
        readonly content: readonly object[]
      }
    | undefined
}

interface Event {
  readonly event: { readonly type: string } & Record<string, unknown>
  readonly tokens?: number
}

/** All events of one streamed response, numbered from 0. */
export function* responseFrames(
  completion: Completion,
  items: ResponseItems,
  started: object,
  ended: { readonly status: string },
): Generator<Frame> {
  let sequence = 0
  for (const { event, tokens = 0 } of responseEvents(completion, items, started, ended)) {
    const { type, ...rest } = event
    const data = JSON.stringify({ type, sequence_number: sequence, ...rest })
    sequence += 1
    yield { wire: `event: ${type}\ndata: ${data}\n\n`, tokens }
  }
}

function* responseEvents(
  completion: Completion,
  { reasoning, message }: ResponseItems,
  started: object,
  ended: { readonly status: string },
): Generator<Event> {
  yield { event: { type: 'response.created', response: started } }
  yield { event: { type: 'response.in_progress', response: started } }
  if (reasoning) {
    const at = { output_index: 0, item: reasoning }
    yield { event: { type: 'response.output_item.added', ...at } }
    yield {
      event: { type: 'response.output_item.done', ...at },
      tokens: completion.usage.reasoning_tokens,
    }
  }
  if (message) yield* messageEvents(completion, message, reasoning ? 1 : 0)
  yield { event: { type: `response.${ended.status}`, response: ended } }
}

function* messageEvents(
  { pieces, text }: Completion,
  item: NonNullable<ResponseItems['message']>,
  outputIndex: number,
): Generator<Event> {
  const inItem = { output_index: outputIndex }
  const at = { item_id: item.id, ...inItem, content_index: 0 }
  const empty = { type: 'output_text', annotations: [], logprobs: [], text: '' }
  const begun = { ...item, status: 'in_progress', content: [] }
  yield { event: { type: 'response.output_item.added', ...inItem, item: begun } }
  yield { event: { type: 'response.content_part.added', ...at, part: empty } }
  for (const piece of pieces) {
    const delta = { ...at, delta: piece.text, logprobs: [] }
    yield { event: { type: 'response.output_text.delta', ...delta }, tokens: piece.tokens }
  }
  yield { event: { type: 'response.output_text.done', ...at, text, logprobs: [] } }
  yield { event: { type: 'response.content_part.done', ...at, part: item.content[0] } }
  yield { event: { type: 'response.output_item.done', ...inItem, item } }
}
