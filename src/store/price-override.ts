import type { PriceDoc, PriceSheetDoc } from '../../models/price.js'
import type { Override } from '../pricing/override.js'
import { ratesOfStored } from '../pricing/price-fields.js'

/** A stored price, ready for arithmetic. */
export function overrideOf(
  { provider, model, service_tier }: Pick<PriceSheetDoc, 'provider' | 'model' | 'service_tier'>,
  price: PriceDoc,
): Override {
  return {
    ...{ provider, model, service_tier },
    rates: ratesOfStored(price),
    from: price.effective_from.getTime(),
    to: price.effective_to?.getTime() ?? Infinity,
  }
}
