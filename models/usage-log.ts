import type { Connection, Model } from 'mongoose'
import type { UsageEvent } from '../src/event.js'
import { define } from './define.js'

/** `usage_logs`: one document per operation, appended once and never changed by traffic. */
export function usageLogModel(connection: Connection): Model<UsageEvent> {
  return define<UsageEvent>(connection, 'UsageLog', 'usage_logs', {
    fields: {
      _id: String,
      user_id: { type: String, required: true },
      org_id: String,
      tier: { type: String, required: true },
      endpoint: { type: String, required: true },
      operation_type: { type: String, required: true },
      provider: String,
      model: String,
      input_tokens: { type: Number, required: true },
      output_tokens: { type: Number, required: true },
      cache_read_tokens: Number,
      cache_write_tokens: Number,
      cache_write_1h_tokens: Number,
      reasoning_tokens: Number,
      usage_flags: { type: [String], default: undefined },
      tokens_used: { type: Number, required: true },
      token_source: { type: String, required: true },
      service_tier: String,
      cost_nano_usd: { type: Number, default: null },
      cost_source: String,
      success: { type: Boolean, required: true },
      status: { type: String, required: true },
      status_code: Number,
      error_type: String,
      response_time_ms: Number,
      time_to_first_token_ms: Number,
      queue_wait_ms: Number,
      stream: Boolean,
      request_bytes: Number,
      response_bytes: Number,
      generation_id: String,
      conversation_id: String,
      tools_used: { type: [String], default: undefined },
      attempts: Number,
      models: { type: [Object], default: undefined },
      client_request_id: String,
      timestamp: { type: Date, required: true },
      admitted_at: Date,
      recorded_at: { type: Date, required: true },
      metadata: Object,
      content_hash: String,
      price_revision: Number,
      late: Boolean,
    },
    shardKey: { _id: 'hashed' },
    indexes: [
      { keys: { user_id: 1, timestamp: -1 } },
      { keys: { timestamp: -1 } },
      { keys: { endpoint: 1, timestamp: -1 } },
      // With the timestamp: which windows are to be rolled up is told by the index alone.
      { keys: { recorded_at: 1, timestamp: 1 } },
      {
        keys: { late: 1, recorded_at: 1 },
        options: { partialFilterExpression: { late: true } },
      },
      {
        keys: { timestamp: 1 },
        options: { partialFilterExpression: { models: { $exists: true } } },
      },
    ],
  })
}
