const families: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:gpt-|chatgpt-|o[134](?:-|$)|text-embedding-|davinci|babbage|dall-e|whisper|tts-)/,
    'openai',
  ],
  [/^claude-/, 'anthropic'],
  [/^(?:models\/)?gemini-/, 'google'],
  [/^(?:mistral-|ministral-|codestral-|magistral-|pixtral-|open-mistral-)/, 'mistral'],
  [/^command-/, 'cohere'],
  [/^deepseek-/, 'deepseek'],
  [/^grok-/, 'xai'],
]

/** The provider that a model's name gives away, if any: only its vendor's own names count. */
export function providerOfModel(model: string | undefined): string | undefined {
  if (model === undefined) return undefined
  return families.find(([pattern]) => pattern.test(model))?.[1]
}
