import * as z from 'zod'
import { instant } from '../parse-input.js'
import { ratesOfStored, toStored, type UsdField } from './price-fields.js'
import type { Rates } from './rates.js'

/**
 * A price of the host's own: what it pays for a model. Prices are US dollars per million tokens, at
 * most nine decimals, or for a thousand of what is billed by the piece, at most six. The same words
 * as in `POST /prices`.
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
  /** Default: as output. */
  reasoning_usd_per_million?: number | undefined
  /** Default: as input; so are images. */
  input_audio_usd_per_million?: number | undefined
  input_image_usd_per_million?: number | undefined
  /** Default: as output; so are images. */
  output_audio_usd_per_million?: number | undefined
  output_image_usd_per_million?: number | undefined
  /** Default: as other cache reads, else as other sound and images. */
  cache_read_audio_usd_per_million?: number | undefined
  cache_read_image_usd_per_million?: number | undefined
  /** For requests, and for searches that the provider makes. Default: as the catalogue says. */
  request_usd_per_thousand?: number | undefined
  web_search_usd_per_thousand?: number | undefined
  file_search_usd_per_thousand?: number | undefined
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

/** A number of dollars that is whole in units of `1 / parts` dollars. */
const usd = (what: string, parts: number, decimals: string) =>
  z
    .number('must be a number')
    .min(0, 'must not be negative')
    .max(10_000, `must be at most 10,000 dollars per ${what}`)
    .refine(
      (value) => Math.round(value * parts) / parts === value,
      `must have at most ${decimals} decimals`,
    )
const perMillion = usd('million tokens', 1e9, 'nine')
const perThousand = usd('thousand', 1e6, 'six')

/** What is not named costs as `PriceOverride` says. @internal */
export const optionalUsdFields = {
  cache_read_usd_per_million: perMillion.optional(),
  cache_write_usd_per_million: perMillion.optional(),
  cache_write_1h_usd_per_million: perMillion.optional(),
  reasoning_usd_per_million: perMillion.optional(),
  input_audio_usd_per_million: perMillion.optional(),
  input_image_usd_per_million: perMillion.optional(),
  output_audio_usd_per_million: perMillion.optional(),
  output_image_usd_per_million: perMillion.optional(),
  cache_read_audio_usd_per_million: perMillion.optional(),
  cache_read_image_usd_per_million: perMillion.optional(),
  request_usd_per_thousand: perThousand.optional(),
  web_search_usd_per_thousand: perThousand.optional(),
  file_search_usd_per_thousand: perThousand.optional(),
} as const

/** What a price says, by kind. @internal */
export const usdFields = {
  input_usd_per_million: perMillion,
  output_usd_per_million: perMillion,
  ...optionalUsdFields,
} as const satisfies Record<UsdField, z.ZodType>

/** What a price is for. @internal */
export const subjectFields = {
  provider: name(64).optional(),
  model: name(256).regex(/^[^*]*\*?$/, 'may hold one *, at its end'),
  service_tier: name(64).optional(),
} as const

/** Reads a `PriceOverride`. @internal */
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
    const { provider, model, service_tier, effective_from, effective_to, ...prices } = given
    return {
      ...{ provider, model, service_tier },
      rates: ratesOfStored(Object.fromEntries(Object.entries(prices).map(toStored))),
      from: effective_from?.getTime() ?? -Infinity,
      to: effective_to?.getTime() ?? Infinity,
    }
  })
