const prose =
  'The meter reads what the provider says it has used, and counts only where nobody says it. ' +
  'A stream is read when it is over, so that the first token is never late on our account. '

function textOf(characters: number): string {
  return prose.repeat(Math.ceil(characters / prose.length)).slice(0, characters)
}

const heading = {
  id: 'chatcmpl-BnT5cQbYw3QxvS0tJrA1mZkE7uHpL',
  created: 1_760_000_000,
  model: 'gpt-4o-2024-08-06',
  system_fingerprint: 'fp_b1442291a8',
} as const

const usage = {
  prompt_tokens: 424,
  completion_tokens: 711,
  total_tokens: 1135,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
}

/** A request of about 2 KB. */
export const prompt = {
  model: 'gpt-4o',
  messages: [
    { role: 'system', content: 'You are a careful assistant. Answer in plain English.' },
    { role: 'user', content: textOf(1860) },
  ],
}

/** An answer of about 4 KB as OpenAI's Chat Completions give it, with usage. */
export const completion = {
  ...heading,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: textOf(3480), refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage,
  service_tier: 'default',
}

/** An answer of about 4 KB that says nothing of its usage. */
export const reply = { reply: textOf(4060) }

/** 200 events as OpenAI streams them with `stream_options.include_usage`, and the end mark. */
export const chunks: readonly string[] = [
  ...Array.from({ length: 199 }, (_, index) =>
    event({
      choices: [
        { index: 0, delta: { content: ` token${index}` }, logprobs: null, finish_reason: null },
      ],
      usage: null,
    }),
  ),
  event({ choices: [], usage }),
  'data: [DONE]\n\n',
]

function event(payload: object): string {
  const body = { ...heading, object: 'chat.completion.chunk', ...payload }
  return `data: ${JSON.stringify(body)}\n\n`
}
