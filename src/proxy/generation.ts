import * as z from 'zod'
import { isTokenCount, nanoUsd, type Correction } from '../event.js'

const count = z.number().nullish()
const generation = z.object({
  data: z.object({
    model: z.string().max(256).nullish(),
    native_tokens_prompt: count,
    native_tokens_completion: count,
    native_tokens_reasoning: count,
    native_tokens_cached: count,
    total_cost: count,
    upstream_inference_cost: count,
    is_byok: z.boolean().nullish(),
  }),
})

/**
 * The final figures in OpenRouter's answer about a generation; undefined while it has none. Tokens
 * are the model's own (`native_…`), which are what is billed. With a key of one's own the cost is
 * the fee and what the model's provider takes, unknown where that is not told.
 * https://openrouter.ai/docs/api-reference/get-a-generation
 */
export function readGeneration(json: unknown): Correction | undefined {
  const parsed = generation.safeParse(json)
  if (!parsed.success) return undefined
  const { data } = parsed.data
  const input = data.native_tokens_prompt
  const output = data.native_tokens_completion ?? 0
  if (!isTokenCount(input) || !isTokenCount(output)) return undefined
  const cached = data.native_tokens_cached
  const reasoning = data.native_tokens_reasoning
  const upstreamCost = data.is_byok === true ? (data.upstream_inference_cost ?? NaN) : 0
  const cost = nanoUsd((data.total_cost ?? NaN) + upstreamCost)
  return {
    input_tokens: input,
    output_tokens: output,
    ...(isTokenCount(cached) && cached <= input && { cache_read_tokens: cached }),
    ...(isTokenCount(reasoning) && reasoning <= output && { reasoning_tokens: reasoning }),
    cost_nano_usd: cost ?? null,
  }
}
