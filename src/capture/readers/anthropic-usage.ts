import { add, joinFigures, setFigures, type Counted } from '../figures.js'
import { arrayAt, isObject, objectAt, type JsonObject } from '../json.js'
import { figure, name, type Reading, type TokenFigures } from '../reading.js'

/** What the last usage object of a stream said of the answer itself, without what compacting took. */
const answers = new WeakMap<Reading, TokenFigures>()

/** Another answer begins in the same response. */
export function forgetAnswer(reading: Reading): void {
  answers.delete(reading)
}

/**
 * Folds an Anthropic `usage` object over what earlier events of the stream said. What it took to
 * compact the context (`iterations`) is billed and in none of the other figures.
 * https://platform.claude.com/docs/en/build-with-claude/compaction
 */
export function readAnthropicUsage(usage: JsonObject, reading: Reading): void {
  const before = answers.get(reading) ?? reading.tokens
  setFigures(reading, overlaid(countedOf(usage, reading), before), form)
  let sum = reading.tokens
  answers.set(reading, sum)
  for (const iteration of arrayAt(usage, 'iterations')) {
    if (!isObject(iteration) || iteration.type !== 'compaction') continue
    setFigures(reading, countedOf(iteration, reading), form)
    sum = joinFigures(sum, reading.tokens, add)
  }
  reading.tokens = sum
  reading.service_tier = servedAs(usage) ?? reading.service_tier
}

const form = { cache: 'beside', reasoning: 'inside' } as const

function countedOf(usage: JsonObject, reading: Reading): Counted {
  const creation = objectAt(usage, 'cache_creation')
  const details = objectAt(usage, 'output_tokens_details')
  const tools = objectAt(usage, 'server_tool_use')
  return {
    input: figure(usage, 'input_tokens', reading, 'input_tokens'),
    output: figure(usage, 'output_tokens', reading, 'output_tokens'),
    cacheRead: figure(usage, 'cache_read_input_tokens', reading, 'cache_read_tokens'),
    cacheWrite: figure(usage, 'cache_creation_input_tokens', reading, 'cache_write_tokens'),
    cacheWrite1h: figure(creation, 'ephemeral_1h_input_tokens', reading, 'cache_write_1h_tokens'),
    reasoning: figure(details, 'thinking_tokens', reading, 'reasoning_tokens'),
    extras: { web_searches: figure(tools, 'web_search_requests', reading, 'web_searches') },
  }
}

/** What an event leaves out is as it was. */
function overlaid(counted: Counted, before: TokenFigures): Counted {
  const beforeCached = (before.cache_read_tokens ?? 0) + (before.cache_write_tokens ?? 0)
  const uncached =
    before.input_tokens === undefined ? undefined : before.input_tokens - beforeCached
  return {
    input: counted.input ?? uncached,
    output: counted.output ?? before.output_tokens,
    cacheRead: counted.cacheRead ?? before.cache_read_tokens,
    cacheWrite: counted.cacheWrite ?? before.cache_write_tokens,
    cacheWrite1h: counted.cacheWrite1h ?? before.cache_write_1h_tokens,
    reasoning: counted.reasoning ?? before.reasoning_tokens,
    extras: { web_searches: counted.extras?.web_searches ?? before.web_searches },
  }
}

/** Places of inference that cost nothing extra: anywhere, and models that let nobody choose. */
const anywhere = new Set(['global', 'not_available'])

/**
 * The tier, with what else changes the price: fast mode, and where inference was kept (`fast`,
 * `batch+us`). Undefined where an event says nothing of it.
 * https://platform.claude.com/docs/en/build-with-claude/fast-mode
 * https://platform.claude.com/docs/en/manage-claude/data-residency
 */
function servedAs(usage: JsonObject): string | undefined {
  const tier = name(usage.service_tier, 48)
  const geo = usage.inference_geo
  const extras = [
    ...(usage.speed === 'fast' ? ['fast'] : []),
    ...(typeof geo !== 'string' || anywhere.has(geo) ? [] : [name(geo, 8) ?? 'elsewhere']),
  ]
  if (extras.length === 0) return tier
  return [...(tier === undefined || tier === 'standard' ? [] : [tier]), ...extras].join('+')
}
