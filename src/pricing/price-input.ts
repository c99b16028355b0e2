import * as z from 'zod'
import { UsageError } from '../errors.js'
import { instant, parseInput } from '../parse-input.js'
import type { PriceDoc, PriceSubject } from '../store/price-store.js'
import { optionalUsdFields, subjectFields, usdFields } from './override.js'
import { nanoFields, toStored } from './price-fields.js'

/** What a stored price says, without its id and stamps. */
export type PriceFields = Omit<
  PriceDoc,
  'id' | 'revision' | 'created_at' | 'created_by' | 'updated_at' | 'updated_by'
>

const fieldNames = [
  ...nanoFields,
  'effective_from',
  'effective_to',
  'note',
] as const satisfies readonly (keyof PriceFields)[]

const note = z
  .string()
  .min(1)
  .max(1000)
  .regex(/^[^\p{Cc}]+$/u, 'must be printable')

const newPrice = z.strictObject({
  ...subjectFields,
  ...usdFields,
  effective_from: instant.optional(),
  effective_to: instant.optional(),
  note: note.optional(),
})

const removable = Object.fromEntries(
  Object.entries(optionalUsdFields).map(([name, field]) => [name, field.nullable()]),
)

const priceChange = z.strictObject({
  input_usd_per_million: usdFields.input_usd_per_million.optional(),
  output_usd_per_million: usdFields.output_usd_per_million.optional(),
  ...removable,
  effective_from: instant.optional(),
  effective_to: instant.nullish(),
  note: note.nullish(),
})

/**
 * Reads the body of `POST /prices`.
 * @throws UsageError `invalid_body` when it is no object, `invalid_price` naming field and rule
 */
export function parseNewPrice(
  input: unknown,
  now: Date,
): { subject: PriceSubject; fields: PriceFields } {
  const { provider, model, service_tier, ...given } = parseInput(
    newPrice,
    input,
    'invalid_price',
    'a price',
  )
  const subject = {
    ...(provider !== undefined && { provider }),
    model,
    ...(service_tier !== undefined && { service_tier }),
  }
  return { subject, fields: inOrder(withoutNulls({ effective_from: now, ...storedFields(given) })) }
}

/**
 * Reads the body of `PATCH /prices/:price_id` over what the price is.
 * @throws UsageError `invalid_body`, or `invalid_price` naming field and rule
 */
export function parsePriceChange(input: unknown, before: PriceFields): PriceFields {
  const kept = fieldNames.flatMap((name) =>
    before[name] === undefined ? [] : [[name, before[name]]],
  )
  const changes = storedFields(parseInput(priceChange, input, 'invalid_price', 'a price'))
  return inOrder(withoutNulls({ ...(Object.fromEntries(kept) as object), ...changes }))
}

function inOrder(fields: PriceFields): PriceFields {
  const { effective_from: from, effective_to: to } = fields
  if (to !== undefined && to <= from) throw invalid('effective_to', 'must lie after effective_from')
  return fields
}

function invalid(field: string, rule: string): UsageError {
  return new UsageError('invalid_price', `${field} ${rule}`, { details: { field } })
}

function storedFields(given: object): Record<string, unknown> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(toStored))
}

/** A null takes its field away. */
function withoutNulls(given: object): PriceFields {
  const entries = Object.entries(given).filter(([, value]) => value !== null)
  return Object.fromEntries(entries) as unknown as PriceFields
}
