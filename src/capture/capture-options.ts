import * as z from 'zod'
import type { Reader } from './readers/reader.js'

/** Base URLs of providers besides the known ones, as strings or with the provider's name. */
export interface OutboundHosts {
  hosts: readonly (string | { baseUrl: string; provider?: string | undefined })[]
}

const providerName = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, _, - or .')

const reader = z.custom<Reader>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'name') === 'string' &&
    typeof Reflect.get(value, 'read') === 'function',
  'must be { name, read(payload, reading) }',
)

const baseUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).max(2048)
const outboundHosts = z.strictObject({
  hosts: z
    .array(z.union([baseUrl, z.strictObject({ baseUrl, provider: providerName.optional() })]))
    .max(100),
})

/** Option `capture`. @internal */
export const captureSchema = z
  .strictObject({
    maxBodyBytes: z
      .int()
      .min(1024)
      .max(64 * 1024 * 1024)
      .default(1024 * 1024),
    readers: z.array(reader).max(100).default([]),
    outbound: z.union([z.boolean(), outboundHosts]).default(true),
  })
  .prefault({})
