/** What the benches of the spool share. */
import { v7 as uuidv7 } from 'uuid'
import type { UnrecordedEvent } from '../src/event.js'

export const logger = { info: () => undefined, warn: console.warn, error: console.error }
export const config = { fsync: 'interval', maxBytes: 16 * 1024 ** 3, whenFull: 'memory' } as const

export function eventOf(index: number): UnrecordedEvent {
  const input_tokens = 200 + (index % 700)
  const output_tokens = 50 + (index % 300)
  return {
    _id: uuidv7(),
    ...{ user_id: `user-${index % 50}`, tier: 'pro', endpoint: '/ai/chat' },
    ...{ operation_type: 'chat', provider: 'openai', model: 'gpt-4o-2024-08-06' },
    ...{ input_tokens, output_tokens, tokens_used: input_tokens + output_tokens },
    ...{ token_source: 'provider', cost_nano_usd: 1_234_567, cost_source: 'catalogue' },
    ...{ success: true, status: 'ok', status_code: 200, response_time_ms: 800 + (index % 900) },
    ...{ stream: false, response_bytes: 4096, attempts: 1, timestamp: new Date() },
  }
}
