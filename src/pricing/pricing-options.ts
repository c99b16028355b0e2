import * as z from 'zod'
import { priceOverride, type Override } from './override.js'

/** The option `pricing`, checked, with defaults. */
export interface PricingConfig {
  readonly overrides: readonly Override[]
  readonly catalogue: boolean
  readonly catalogueFile?: string | undefined
}

/** @internal */
export const pricingOptions = z
  .strictObject({
    overrides: z.array(priceOverride).max(10_000).default([]),
    catalogue: z.boolean().default(true),
    catalogueFile: z.string().min(1).optional(),
  })
  .prefault({})
