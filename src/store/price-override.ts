import type { PriceDoc, PriceSheetDoc } from '../../models/price.js'
import type { Override } from '../pricing/override.js'

/** A stored price, ready for arithmetic. */
export function overrideOf(
  { provider, model, service_tier }: Pick<PriceSheetDoc, 'provider' | 'model' | 'service_tier'>,
  price: PriceDoc,
): Override {
  const rate = (base: number | undefined) => (base === undefined ? undefined : { base, tiers: [] })
  return {
    ...{ provider, model, service_tier },
    rates: {
      input: rate(price.input_nano_usd_per_million),
      output: rate(price.output_nano_usd_per_million),
      cache_read: rate(price.cache_read_nano_usd_per_million),
      cache_write: rate(price.cache_write_nano_usd_per_million),
      cache_write_1h: rate(price.cache_write_1h_nano_usd_per_million),
    },
    from: price.effective_from.getTime(),
    to: price.effective_to?.getTime() ?? Infinity,
  }
}
