import type { UnrecordedEvent } from '../../src/event.js'

/** An operation of alice's, three tokens large. */
export function event(id: string, more: Partial<UnrecordedEvent> = {}): UnrecordedEvent {
  return {
    _id: id,
    user_id: 'alice',
    tier: 'free',
    endpoint: '/ai/chat',
    operation_type: 'chat',
    input_tokens: 1,
    output_tokens: 2,
    tokens_used: 3,
    token_source: 'provider',
    cost_nano_usd: null,
    success: true,
    status: 'ok',
    stream: false,
    attempts: 1,
    timestamp: new Date(),
    ...more,
  }
}
