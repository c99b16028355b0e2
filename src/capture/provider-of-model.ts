const families: readonly (readonly [RegExp, string])[] = [
  [
    /^(?:ft:)?(?:gpt-(?!oss)|chatgpt-|codex-|computer-use-|omni-moderation|o[134](?:-|$)|text-embedding-(?:ada|3)|davinci|babbage|dall-e|whisper-1|tts-1|sora-)/,
    'openai',
  ],
  [/^claude-/, 'anthropic'],
  [/^(?:models\/)?(?:gemini-|imagen-|veo-)/, 'google'],
  [
    /^(?:mistral-(?!nemo|7b)|ministral-|codestral-|magistral-|devstral-|voxtral-|pixtral-|open-mi[sx]tral-)/,
    'mistral',
  ],
  [/^(?:command-|c4ai-|embed-(?:english|multilingual|v\d)|rerank-)/, 'cohere'],
  [/^deepseek-(?:chat|reasoner|coder|v\d)/, 'deepseek'],
  [/^grok-/, 'xai'],
  // Bedrock's model ids, also behind a geography's prefix.
  [
    /^(?:[a-z]{2,6}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|luma|meta|mistral|moonshot|openai|qwen|stability|twelvelabs|writer)\.[a-z]/,
    'bedrock',
  ],
]

/**
 * The provider that a model's name gives away, if any: only its vendor's own names count. Names with
 * a colon (`llama3.2:3b`) are Ollama's or a deployment's and tell nothing.
 */
export function providerOfModel(model: string | undefined): string | undefined {
  if (model === undefined) return undefined
  return families.find(([pattern]) => pattern.test(model))?.[1]
}

/** What frameworks and SDKs call the providers, in our spelling. */
const aliases: readonly (readonly [RegExp, string])[] = [
  [/^azure/, 'azure'],
  [/^openai/, 'openai'],
  [/^(?:amazon[-_]?bedrock|aws|bedrock)/, 'bedrock'],
  [/^anthropic/, 'anthropic'],
  [/^(?:google|gemini|vertex)/, 'google'],
  [/^mistral/, 'mistral'],
  [/^cohere/, 'cohere'],
  [/^openrouter/, 'openrouter'],
  [/^ollama/, 'ollama'],
  [/^deepseek/, 'deepseek'],
  [/^xai/, 'xai'],
  [/^groq/, 'groq'],
]

/** The provider behind a name as LangChain (`google_genai`) or the AI SDK (`openai.responses`) spell it. */
export function providerOfAlias(alias: unknown): string | undefined {
  if (typeof alias !== 'string') return undefined
  const lower = alias.toLowerCase()
  return aliases.find(([pattern]) => pattern.test(lower))?.[1]
}
