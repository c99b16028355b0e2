import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/**
 * One period of a price, inside `PriceSheetDoc`. Money is integer nano-dollars per million tokens, or
 * for a thousand of what is billed by the piece.
 */
export interface PriceDoc {
  /** UUIDv7. */
  id: string
  input_nano_usd_per_million: number
  output_nano_usd_per_million: number
  cache_read_nano_usd_per_million?: number
  cache_write_nano_usd_per_million?: number
  cache_write_1h_nano_usd_per_million?: number
  reasoning_nano_usd_per_million?: number
  input_audio_nano_usd_per_million?: number
  input_image_nano_usd_per_million?: number
  output_audio_nano_usd_per_million?: number
  output_image_nano_usd_per_million?: number
  cache_read_audio_nano_usd_per_million?: number
  cache_read_image_nano_usd_per_million?: number
  request_nano_usd_per_thousand?: number
  web_search_nano_usd_per_thousand?: number
  file_search_nano_usd_per_thousand?: number
  /** First instant it holds. */
  effective_from: Date
  /** First instant it no longer holds; absent: for ever. */
  effective_to?: Date
  note?: string
  created_at: Date
  created_by: string
  updated_at: Date
  updated_by: string
  /** Counts the changes of this period, so that none overwrites another unseen. */
  revision: number
}

/**
 * `usage_prices`: all periods of one provider, model and service tier in one document, so that no
 * two of them can come to overlap, however many write at once. It stays when its last period goes.
 */
export interface PriceSheetDoc {
  /** JSON of [provider, model, service tier], empty where there is none. */
  _id: string
  provider?: string
  model: string
  service_tier?: string
  prices: PriceDoc[]
  /** Counts all changes, for those who look whether there were any. */
  version: number
}

export function priceModel(connection: Connection): Model<PriceSheetDoc> {
  return define<PriceSheetDoc>(connection, 'UsagePrice', 'usage_prices', {
    fields: {
      _id: String,
      provider: String,
      model: { type: String, required: true },
      service_tier: String,
      prices: { type: [Object], required: true },
      version: { type: Number, required: true },
    },
    indexes: [{ keys: { 'prices.id': 1 } }],
  })
}
