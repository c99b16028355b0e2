import { systemClock } from '../../src/clock.js'
import { priceOverride, type PriceOverride } from '../../src/pricing/override.js'
import { createPriceBook, type PriceBook } from '../../src/pricing/price-book.js'
import type { PriceDoor } from '../../src/pricing/stored-prices.js'
import { quiet } from '../helpers/quiet.js'

/** A price book that is ready, with these prices of the host's own. */
export async function book(
  overrides: readonly PriceOverride[] = [],
  { catalogue = true, door }: { catalogue?: boolean; door?: PriceDoor } = {},
): Promise<PriceBook> {
  const pricing = { overrides: overrides.map((one) => priceOverride.parse(one)), catalogue }
  const made = createPriceBook({ pricing, clock: systemClock, logger: quiet }, door)
  await made.load()
  return made
}

export const noon = new Date('2026-06-01T12:00:00Z')
