import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { parse } from 'yaml'
import * as z from 'zod'

/** openapi.yaml as it stands. */
export const source: unknown = parse(
  readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8'),
)

/** Every `$ref` that was followed. */
export const followed = new Set<string>()

const schema = z.record(z.string(), z.unknown())
const text = z.string().min(1)
const examples = z.record(text, z.strictObject({ summary: text.optional(), value: z.unknown() }))
const content = z.record(
  z.string().regex(/^[a-z]+\/[a-z+-]+$/),
  z.strictObject({ schema, example: z.unknown().optional(), examples: examples.optional() }),
)
const header = z.strictObject({ description: text, required: z.boolean().optional(), schema })
const response = z.strictObject({
  description: text,
  headers: z.record(text, header).optional(),
  content,
})
const parameter = z.strictObject({
  name: text,
  in: z.enum(['query', 'path']),
  required: z.literal(true).optional(),
  description: text,
  schema,
  example: z.union([z.string(), z.number(), z.boolean()]).optional(),
})
const security = z.array(z.strictObject({ bearerAuth: z.tuple([]) }))
const operation = z.strictObject({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
  tags: z.tuple([z.enum(['caller', 'admin', 'events', 'machines'])]),
  summary: text,
  description: text,
  security: security.optional(),
  parameters: z.array(parameter).default([]),
  requestBody: z.strictObject({ required: z.literal(true), description: text, content }).optional(),
  responses: z.record(z.string().regex(/^[1-5]\d\d$/), response),
})
const document = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d$/),
  info: z.strictObject({
    title: text,
    version: text,
    summary: text,
    description: text,
    license: z.strictObject({ name: text, identifier: text }),
  }),
  servers: z.array(z.strictObject({ url: text, description: text })).length(1),
  tags: z.array(z.strictObject({ name: text, description: text })),
  security: security.length(1),
  paths: z.record(
    z.string().startsWith('/'),
    z.strictObject({
      get: operation.optional(),
      post: operation.optional(),
      patch: operation.optional(),
      delete: operation.optional(),
    }),
  ),
  components: z.strictObject({
    securitySchemes: z.strictObject({ bearerAuth: z.record(text, text) }),
    headers: z.record(text, header),
    parameters: z.record(text, parameter),
    responses: z.record(text, response),
    schemas: z.record(text, schema),
    examples,
  }),
})

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'
export type Operation = z.infer<typeof operation> & { method: Method; path: string }
export type Parameter = z.infer<typeof parameter>
export type ResponseSpec = z.infer<typeof response>

/**
 * The document with every reference replaced by what it names (none is recursive), judged by the
 * parts of OpenAPI 3.1 that it uses: an unknown key, or a reference to the wrong kind, throws.
 */
export const spec = document.parse(inline(source))

export const operations: Operation[] = Object.entries(spec.paths).flatMap(([path, item]) => [
  ...(item.get ? [{ ...item.get, method: 'GET' as const, path }] : []),
  ...(item.post ? [{ ...item.post, method: 'POST' as const, path }] : []),
  ...(item.patch ? [{ ...item.patch, method: 'PATCH' as const, path }] : []),
  ...(item.delete ? [{ ...item.delete, method: 'DELETE' as const, path }] : []),
])

export const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true })
formats.default(ajv)

const compiled = new Map<string, ValidateFunction>()
const keys = new WeakMap<object, string>()

/** What a schema says against a value, a line per complaint. */
export function complaints(against: Record<string, unknown>, value: unknown): string[] {
  // Compiling is slow, and most operations share the schemas of their errors.
  const key = keys.get(against) ?? JSON.stringify(against)
  keys.set(against, key)
  const validate = compiled.get(key) ?? ajv.compile(against)
  compiled.set(key, validate)
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
  )
}

/** The operation of that id. */
export function named(id: string): Operation {
  const found = operations.find(({ operationId }) => operationId === id)
  if (found === undefined) throw new Error(`no operation is called ${id}`)
  return found
}

/** The methods that a path has. */
export function methodsOf(path: string): string[] {
  return operations.filter((one) => one.path === path).map(({ method }) => method)
}

/** True for operations that need a token. */
export function isGuarded({ security: own }: Operation): boolean {
  return (own ?? spec.security).length > 0
}

function inline(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inline)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  const rest = Object.fromEntries(
    entries.filter(([key]) => key !== '$ref').map(([key, inner]) => [key, inline(inner)]),
  )
  if (!('$ref' in value)) return rest
  const target = inline(lookUp(value.$ref))
  return entries.length === 1 ? target : { ...rest, allOf: [target] }
}

function lookUp(reference: unknown): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#/components/')) {
    throw new Error(`not a reference into this document: ${String(reference)}`)
  }
  followed.add(reference)
  return reference
    .slice(2)
    .split('/')
    .reduce((from: unknown, key) => {
      if (typeof from === 'object' && from !== null && Object.hasOwn(from, key)) {
        return Reflect.get(from, key) as unknown
      }
      throw new Error(`${reference} names nothing`)
    }, source)
}
