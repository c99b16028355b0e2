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
 * The encoding for a model name as callers write it: in any case, with a provider's path or prefix
 * (`openai/gpt-4o-mini`, `models/…`, `us.anthropic.claude-…`) or as a deployment's name. An unknown or
 * absent model is estimated with o200k_base.
 */
export function encodingOf(model: string | undefined): ModelEncoding {
  const name = lastSegment(model ?? '')
  if (name.includes('claude')) {
    return { encoding: 'o200k_base', factor: factorOfClaude(name), token_source: 'estimate' }
  }
  const family = openAiFamilies.find(([pattern]) => pattern.test(name))
  if (family) return { encoding: family[1], factor: 1, token_source: 'tokenizer' }
  return { encoding: 'o200k_base', factor: 1, token_source: 'estimate' }
}

function lastSegment(model: string): string {
  const segments = model.slice(0, 512).trim().toLowerCase().split('/')
  return segments.findLast((segment) => segment.length > 0) ?? ''
}

/** The version is the first number of one or two digits: dates are longer. Without one: the newest. */
function factorOfClaude(name: string): number {
  const found = /claude\D*?(\d{1,2})(?!\d)(?:[.-](\d{1,2})(?!\d))?/.exec(name)
  if (!found) return newClaudeFactor
  const [major, minor] = [Number(found[1]), Number(found[2] ?? 0)]
  return major > 4 || (major === 4 && minor > 6) ? newClaudeFactor : claudeFactor
}
