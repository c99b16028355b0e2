import { isTokenCount, extraFields, nanoUsd, type Extras, type Scalar } from '../event.js'
import { parseHostId } from '../identity/user-id.js'
import { isObject } from './json.js'
import { name, type TokenFigures } from './reading.js'

/** What only the host knows of an operation. Fields that do not fit are left out and reported. */
export interface Facts extends Extras {
  user_id?: string
  org_id?: string
  model?: string
  provider?: string
  input_tokens?: number
  output_tokens?: number
  cache_read_tokens?: number
  cache_write_tokens?: number
  reasoning_tokens?: number
  /** US dollars. */
  cost_usd?: number
  conversation_id?: string
  /** Names of the tools the model called, at most 50. */
  tools_used?: readonly string[]
  queue_wait_ms?: number
  /** Only keys allow-listed by the `metadata` option are kept, at most 10, scalars only. */
  metadata?: Record<string, unknown>
}

/** The facts that passed. */
export interface Annotations extends TokenFigures {
  user_id?: string
  org_id?: string
  model?: string
  provider?: string
  cost_nano_usd?: number
  conversation_id?: string
  tools_used?: string[]
  queue_wait_ms?: number
  metadata?: Record<string, Scalar>
}

const tokenFields = [
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  ...extraFields,
] as const
const nameFields = {
  ...{ user_id: parseHostId, org_id: parseHostId },
  ...{ model: name, provider: name, conversation_id: name },
} as const
const nameFieldNames = Object.keys(nameFields) as (keyof typeof nameFields)[]
const otherFields = ['cost_usd', 'tools_used', 'queue_wait_ms', 'metadata'] as const
const known = new Set<string>([...tokenFields, ...nameFieldNames, ...otherFields])

/** Merges `facts` over `into`; the last value of a field wins. Answers the names of refused fields. */
export function mergeFacts(
  into: Annotations,
  facts: Facts,
  metadataKeys: ReadonlySet<string>,
): string[] {
  const refused = Object.keys(facts).filter((key) => !known.has(key))
  for (const key of tokenFields) {
    const value = facts[key]
    if (value === undefined) continue
    if (isTokenCount(value)) into[key] = value
    else refused.push(key)
  }
  for (const key of nameFieldNames) {
    const value = facts[key]
    if (value === undefined) continue
    const accepted = nameFields[key](value)
    if (accepted === undefined) refused.push(key)
    else into[key] = accepted
  }
  mergeCostAndTools(into, facts, refused)
  const metadata: unknown = facts.metadata
  if (isObject(metadata)) {
    const allowed = allowedMetadata(metadata, metadataKeys)
    if (allowed) into.metadata = { ...into.metadata, ...allowed }
  } else if (metadata !== undefined) refused.push('metadata')
  return refused
}

function mergeCostAndTools(into: Annotations, facts: Facts, refused: string[]): void {
  if (facts.cost_usd !== undefined) {
    const cost = nanoUsd(facts.cost_usd)
    if (cost === undefined) refused.push('cost_usd')
    else into.cost_nano_usd = cost
  }
  if (facts.queue_wait_ms !== undefined) {
    const wait = facts.queue_wait_ms
    if (Number.isFinite(wait) && wait >= 0 && wait < 86_400_000)
      into.queue_wait_ms = Math.round(wait)
    else refused.push('queue_wait_ms')
  }
  if (facts.tools_used !== undefined) {
    const tools = Array.isArray(facts.tools_used)
      ? facts.tools_used.map((tool) => name(tool, 128))
      : []
    if (tools.length > 0 && tools.length <= 50 && tools.every((tool) => tool !== undefined)) {
      into.tools_used = tools
    } else if (tools.length > 0 || !Array.isArray(facts.tools_used)) refused.push('tools_used')
  }
}

/** The allow-listed scalars of `metadata`, at most 10, strings cut at 256 characters. */
export function allowedMetadata(
  metadata: Record<string, unknown>,
  keys: ReadonlySet<string>,
): Record<string, Scalar> | undefined {
  const allowed: Record<string, Scalar> = {}
  for (const key of [...keys].slice(0, 10)) {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined
    if (typeof value === 'string') allowed[key] = value.slice(0, 256).toWellFormed()
    else if (typeof value === 'boolean' || Number.isFinite(value)) allowed[key] = value as Scalar
  }
  return Object.keys(allowed).length === 0 ? undefined : allowed
}
