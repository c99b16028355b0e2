import type { BilledCall, Invoice } from '../billing.js'
import { Refusal } from '../dialect.js'
import type { Format } from '../format.js'
import { findModel } from '../models.js'
import { openrouterDialect } from './openrouter-dialect.js'

/** What a generation cost, asked afterwards by its id. */
export function openrouterGeneration(invoice: Invoice): Format {
  return {
    method: 'GET',
    path: '/api/v1/generation',
    dialect: openrouterDialect,
    plan: ({ query }) => {
      const id = query.get('id') ?? ''
      if (id === '') throw new Refusal('bad_request', "Missing query parameter 'id'")
      const call = invoice.find(id)
      if (call?.provider !== 'openrouter') {
        throw new Refusal('not_found', `Generation ${id} not found`)
      }
      return { kind: 'free', json: () => ({ data: generationOf(call) }) }
    },
  }
}

function generationOf(call: BilledCall) {
  const finish = call.outcome === 'ok' ? 'stop' : call.outcome === 'fault' ? 'error' : null
  return {
    id: call.id,
    upstream_id: null,
    total_cost: call.cost_usd ?? 0,
    usage: call.cost_usd ?? 0,
    cache_discount: null,
    upstream_inference_cost: 0,
    created_at: call.created_at,
    model: call.model,
    provider_name: findModel('openrouter', call.model, 'chat')?.servedBy ?? null,
    streamed: call.stream,
    cancelled: call.outcome === 'client_aborted',
    latency: call.duration_ms,
    generation_time: call.duration_ms,
    finish_reason: finish,
    native_finish_reason: finish,
    tokens_prompt: call.input_tokens,
    tokens_completion: call.output_tokens,
    native_tokens_prompt: call.input_tokens,
    native_tokens_completion: call.output_tokens,
    native_tokens_reasoning: call.reasoning_tokens,
    native_tokens_cached: call.cache_read_tokens,
    is_byok: false,
    api_type: 'completions',
    origin: '',
  }
}
