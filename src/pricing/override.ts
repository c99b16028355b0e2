import { z } from 'zod'
import { instant } from '../parse-input.js'
import { rateOfUsd, type Rates } from './rates.js'

/**
 * A price of the host's own: what it pays for a model. Prices are US dollars per million tokens, at
 * most nine decimals. The same words as in `POST /prices`.
 */
export interface PriceOverride {
  /** Only for this provider, as operations name it. Default: every one. */
  provider?: string | undefined
  /** The model as operations name it, or its beginning and a `*`. */
  model: string
  /** Only for this way of being served (`batch`, `flex`, `priority` …). Default: every one. */
  service_tier?: string | undefined
  input_usd_per_million: number
  output_usd_per_million: number
  /** Default: as input. */
  cache_read_usd_per_million?: number | undefined
  /** Default: as input. */
  cache_write_usd_per_million?: number | undefined
  /** Default: as other cache writes. */
  cache_write_1h_usd_per_million?: number | undefined
  /** First instant it holds (ISO 8601 with offset, or a UTC date). Default: always. */
  effective_from?: string | undefined
  /** First instant it no longer holds. Default: for ever. */
  effective_to?: string | undefined
}

/** A price that is on file, ready for arithmetic. */
export interface Override {
  readonly provider?: string | undefined
  readonly model: string
  readonly service_tier?: string | undefined
  readonly rates: Rates
  /** Epoch ms, half open. */
  readonly from: number
  readonly to: number
}

const name = (max: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(max, `must have at most ${max} characters`)
    .regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, 'must be printable')

const usd = z
  .number('must be a number')
  .min(0, 'must not be negative')
  .max(10_000, 'must be at most 10,000 dollars per million tokens')
  .refine(
    (value) => rateOfUsd(value) / 1e9 === value,
    'must have at most nine decimals: a billionth of a dollar',
  )

/** Dollars per million tokens, by kind. */
export const usdFields = {
  input_usd_per_million: usd,
  output_usd_per_million: usd,
  cache_read_usd_per_million: usd.optional(),
  cache_write_usd_per_million: usd.optional(),
  cache_write_1h_usd_per_million: usd.optional(),
} as const

/** What a price is for. */
export const subjectFields = {
  provider: name(64).optional(),
  model: name(256).regex(/^[^*]*\*?$/, 'may hold one *, at its end'),
  service_tier: name(64).optional(),
} as const

/** Reads a `PriceOverride`. */
export const priceOverride = z
  .strictObject({
    ...subjectFields,
    ...usdFields,
    effective_from: instant.optional(),
    effective_to: instant.optional(),
  })
  .refine(
    ({ effective_from: from, effective_to: to }) => !from || !to || from < to,
    'must end after it begins (effective_from, effective_to)',
  )
  .transform((given): Override => {
    const { provider, model, service_tier, effective_from, effective_to } = given
    return {
      ...{ provider, model, service_tier },
      rates: ratesOfUsd(given),
      from: effective_from?.getTime() ?? -Infinity,
      to: effective_to?.getTime() ?? Infinity,
    }
  })

type UsdFields = z.infer<z.ZodObject<typeof usdFields>>

/** Rates from dollars per million tokens. */
export function ratesOfUsd(given: UsdFields): Rates {
  const rate = (value: number | undefined) =>
    value === undefined ? undefined : { base: rateOfUsd(value), tiers: [] }
  return {
    input: rate(given.input_usd_per_million),
    output: rate(given.output_usd_per_million),
    cache_read: rate(given.cache_read_usd_per_million),
    cache_write: rate(given.cache_write_usd_per_million),
    cache_write_1h: rate(given.cache_write_1h_usd_per_million),
  }
}
