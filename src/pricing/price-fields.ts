import { usdOf } from '../event.js'
import { rateOfUsd, type Rates } from './rates.js'

/** Kinds of tokens that a price of the host's own names, or leaves to what `Rates` says of them. */
const tokenKinds = [
  'input',
  'output',
  'cache_read',
  'cache_write',
  'cache_write_1h',
  'reasoning',
  'input_audio',
  'input_image',
  'output_audio',
  'output_image',
  'cache_read_audio',
  'cache_read_image',
] as const

/** What is billed by the piece: where an own price is silent, the catalogue's is meant. */
const feeKinds = ['request', 'web_search', 'file_search'] as const

type TokenKind = (typeof tokenKinds)[number]
type FeeKind = (typeof feeKinds)[number]

/** US dollars, as prices are given and shown. */
export type UsdField = `${TokenKind}_usd_per_million` | `${FeeKind}_usd_per_thousand`
/** Integer nano-dollars, as prices are stored. */
export type NanoField = `${TokenKind}_nano_usd_per_million` | `${FeeKind}_nano_usd_per_thousand`

export const nanoFields: readonly NanoField[] = [
  ...tokenKinds.map((kind) => `${kind}_nano_usd_per_million` as const),
  ...feeKinds.map((kind) => `${kind}_nano_usd_per_thousand` as const),
]

const inDollars = /_usd_per_(?:million|thousand)$/
const inNanoDollars = /_nano_usd_per_(?:million|thousand)$/

/** Dollars become integers: `input_usd_per_million` is stored as `input_nano_usd_per_million`. */
export function toStored([key, value]: [string, unknown]): [string, unknown] {
  if (!inDollars.test(key)) return [key, value]
  return [key.replace('_usd_', '_nano_usd_'), typeof value === 'number' ? rateOfUsd(value) : value]
}

/** The other way: a stored field as the API shows it. */
export function toShown([key, value]: [string, unknown]): [string, unknown] {
  if (!inNanoDollars.test(key) || typeof value !== 'number') return [key, value]
  return [key.replace('_nano_usd_', '_usd_'), usdOf(value)]
}

/** The rates of stored fields. */
export function ratesOfStored(stored: Readonly<Partial<Record<NanoField, number>>>): Rates {
  const rates = tokenKinds.flatMap((kind) => {
    const base = stored[`${kind}_nano_usd_per_million`]
    return base === undefined ? [] : [[kind, { base, tiers: [] }]]
  })
  const fees = feeKinds.flatMap((kind) => {
    const fee = stored[`${kind}_nano_usd_per_thousand`]
    return fee === undefined ? [] : [[kind, fee / 1_000]]
  })
  return Object.fromEntries([...rates, ...fees]) as Rates
}
