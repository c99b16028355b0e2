import type { IncomingHttpHeaders } from 'node:http'
import * as z from 'zod'
import { Refusal, type FailureKind } from './dialect.js'

const FAULTS = [
  'rate_limit',
  'server_error',
  'overloaded',
  'cut_stream',
  'error_in_stream',
  'hang',
  'malformed',
  'no_usage',
  'slow',
] as const

/**
 * What goes wrong on demand: `rate_limit` 429, `server_error` 500, `overloaded` 529 or 503,
 * `cut_stream` the socket dies half-way, `error_in_stream` an error event inside a 200 stream
 * (500 when the answer is JSON), `hang` no answer until the client leaves, `malformed` broken
 * JSON, `no_usage` the usage object left out, `slow` two seconds to the first byte.
 */
export type Fault = (typeof FAULTS)[number]

const faultName = z.enum(FAULTS)
const bodyWithFault = z.object({ metadata: z.object({ simulator_fault: z.unknown() }) })

/**
 * The fault asked for by header `x-simulator-fault` or body `metadata.simulator_fault`.
 * Throws {@link Refusal} when there is no fault of that name.
 */
export function requestedFault(headers: IncomingHttpHeaders, body: unknown): Fault | undefined {
  const inBody = bodyWithFault.safeParse(body)
  const name =
    headers['x-simulator-fault'] ?? (inBody.success ? inBody.data.metadata.simulator_fault : '')
  if (name === '' || name === undefined) return undefined
  const fault = faultName.safeParse(name)
  if (fault.success) return fault.data
  throw new Refusal(
    'bad_request',
    `The simulator has no fault ${JSON.stringify(name)}; it has ${FAULTS.join(', ')}.`,
  )
}

/** The failure that answers this fault outright, undefined when an answer is begun. */
export function outrightFailure(
  fault: Fault | undefined,
  stream: boolean,
): FailureKind | undefined {
  if (fault === 'rate_limit' || fault === 'server_error' || fault === 'overloaded') return fault
  return fault === 'error_in_stream' && !stream ? 'server_error' : undefined
}
