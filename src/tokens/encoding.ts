export type EncodingName = 'o200k_base' | 'cl100k_base'

/** How the tokens of a model's text are counted. */
export interface ModelEncoding {
  encoding: EncodingName
  /** Tokens of the model per token of the encoding; 1 where nothing better is known. */
  factor: number
  /** 'tokenizer' when the encoding is the model's own. */
  token_source: 'tokenizer' | 'estimate'
}

/**
 * OpenAI's families as tiktoken's `model.py` lists them, also inside a longer name (Azure deployments,
 * `ft:…`). Order matters: gpt-4o and gpt-4.1 before gpt-4. gpt-oss has the text tokens of o200k_base
 * and differs in special tokens only (o200k_harmony).
 */
const openAiFamilies: readonly (readonly [RegExp, EncodingName])[] = [
  [/\bgpt-?3\.?5(?!\d)/, 'cl100k_base'],
  [/gpt-?4o/, 'o200k_base'],
  [/\bgpt-?4\.?[15](?!\d)/, 'o200k_base'],
  [/\bgpt-?(?:[5-9]|[1-9]\d)(?![a-z0-9])/, 'o200k_base'],
  [/\bgpt-oss\b/, 'o200k_base'],
  [/(?:^|:)(?:chatgpt-|codex-mini|computer-use-)/, 'o200k_base'],
  [/(?:^|:)o[1-9](?![a-z0-9])/, 'o200k_base'],
  [/\bgpt-?4(?![a-z0-9.])/, 'cl100k_base'],
  [/\btext-embedding-(?:ada-002|3-)/, 'cl100k_base'],
  [/(?:^|:)(?:davinci|babbage)-002\b/, 'cl100k_base'],
]

/**
 * Anthropic publishes no tokenizer since Claude 3. Claude up to 4.6 gives about 1.18 tokens for each
 * of o200k_base on English (reports of the count_tokens endpoint against tiktoken: 15 to 20 % more).
 */
const claudeFactor = 1.18
/**
 * The tokenizer since Claude 4.7: about 1.3 times that of 4.6 (Anthropic's migration guide says 1.0 to
 * 1.35; measured 1.3 to 1.46 on English, less on code, 1.0 on Chinese and Russian). 1.18 × 1.3 = 1.53.
 */
const newClaudeFactor = 1.53

/**
 * Tokens of other families per token of o200k_base. Where the vocabulary is public: measured on
 * English prose, TypeScript and JSON (the first two weigh most). Where it is not, that of the nearest
 * open relative, and always an estimate.
 */
const otherFamilies: readonly (readonly [RegExp, number])[] = [
  // Gemma 3's vocabulary, which Google says is Gemini's: 1.02 to 1.08 on prose, 1.15 code, 1.28 JSON.
  [/gemini|gemma/, 1.1],
  // Llama 2's SentencePiece of 32k: Mistral 7B's and Mixtral's measure 1.10 to 1.23, all of one size.
  [/llama-?2(?!\d)|mi[sx]tral-?(?:7b|8x)|mixtral/, 1.23],
  // Llama 3.1's vocabulary: 1.00 on all three. Llama 4's is larger.
  [/llama/, 1],
  // Tekken (131k, since Mistral NeMo): Mistral says it compresses better than Llama 3's in most
  // languages, and by 30 % better than its SentencePiece on code.
  [/mistral|ministral|magistral|codestral|devstral|pixtral|voxtral/, 1],
  // DeepSeek V3's vocabulary: 1.01 to 1.04 on prose and code, 1.07 JSON.
  [/deepseek/, 1.03],
  // Qwen 3's vocabulary: 1.00 to 1.01 on prose and code, 1.06 JSON.
  [/qwen|qwq/, 1.01],
]

/**
 * The encoding for a model name as callers write it: in any case, with a provider's path or prefix
 * (`openai/gpt-4o-mini`, `models/…`, `us.anthropic.claude-…`) or as a deployment's name. An unknown or
 * absent model is estimated with o200k_base.
 */
export function encodingOf(model: string | undefined): ModelEncoding {
  const name = lastSegment(model ?? '')
  if (name.includes('claude')) {
    return { encoding: 'o200k_base', factor: factorOfClaude(name), token_source: 'estimate' }
  }
  const other = otherFamilies.find(([pattern]) => pattern.test(name))
  if (other) return { encoding: 'o200k_base', factor: other[1], token_source: 'estimate' }
  const family = openAiFamilies.find(([pattern]) => pattern.test(name))
  if (family) return { encoding: family[1], factor: 1, token_source: 'tokenizer' }
  return { encoding: 'o200k_base', factor: 1, token_source: 'estimate' }
}

/** The model's own name, in lower case, without a provider's path before it. */
export function lastSegment(model: string): string {
  const segments = model.slice(0, 512).trim().toLowerCase().split('/')
  return segments.findLast((segment) => segment.length > 0) ?? ''
}

/** The version is the first number of one or two digits: dates are longer. Undefined without one. */
export function versionOfClaude(name: string): readonly [number, number] | undefined {
  const found = /claude\D*?(\d{1,2})(?!\d)(?:[.-](\d{1,2})(?!\d))?/.exec(name)
  return found ? [Number(found[1]), Number(found[2] ?? 0)] : undefined
}

/** A Claude without a version counts as the newest. */
function factorOfClaude(name: string): number {
  const version = versionOfClaude(name)
  if (version === undefined) return newClaudeFactor
  const [major, minor] = version
  return major > 4 || (major === 4 && minor > 6) ? newClaudeFactor : claudeFactor
}
