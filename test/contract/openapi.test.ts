import assert from 'node:assert/strict'
import type { RouteContext } from '../../routes/context.js'
import { allRoutes } from '../../routes/router.js'
import { version } from '../../src/version.js'
import { ajv, complaints, followed, isGuarded, operations, spec } from './spec.js'

const unused = (): never => {
  throw new Error('the contract is read, not run')
}
const context: RouteContext = {
  timezone: 'UTC',
  exposeCostToUsers: false,
  now: unused,
  guard: () => unused,
  isStillAdmin: unused,
  userUsage: unused,
  estimate: unused,
  quota: unused,
  globalUsage: unused,
  modelsUsage: unused,
  prices: { page: unused, create: unused, change: unused, remove: unused },
  accounts: { change: unused },
  erase: unused,
  facts: unused,
  plans: { list: unused, change: unused, remove: unused },
  budgets: { page: unused, find: unused, create: unused, change: unused, remove: unused },
  audit: unused,
  metrics: { public: false, expose: unused },
  realtime: unused,
  onActivity: unused,
  logs: unused,
  users: unused,
  sortValue: unused,
  parseEvent: unused,
  submit: unused,
  health: unused,
  isReady: unused,
  isOpen: unused,
  discard: unused,
  openapi: unused,
}

interface Example {
  where: string
  schema: Record<string, unknown>
  value: unknown
}

/** The examples of a media type. */
function examplesOf(where: string, media: Record<string, Media>): Example[] {
  return Object.entries(media).flatMap(([type, { schema, example, examples }]) => [
    ...(example === undefined ? [] : [{ where: `${where} ${type}`, schema, value: example }]),
    ...Object.entries(examples ?? {}).map(([name, { value }]) => {
      return { where: `${where} ${type} ${name}`, schema, value }
    }),
  ])
}

interface Media {
  schema: Record<string, unknown>
  example?: unknown
  examples?: Record<string, { value?: unknown }> | undefined
}

describe('openapi.yaml', () => {
  it('names exactly the routes of the router', () => {
    const routes = allRoutes(context).map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replace(/:(\w+)/g, '{$1}')}`,
    )
    const specified = operations.map(({ method, path }) => `${method} ${path}`)
    assert.deepEqual(specified.sort(), routes.sort())
  })

  it('is of the version of the package', () => {
    assert.equal(spec.info.version, version)
  })

  it('uses every component it has, and only tags it describes', () => {
    const { securitySchemes, ...components } = spec.components
    const present = Object.entries(components).flatMap(([kind, members]) =>
      Object.keys(members).map((name) => `#/components/${kind}/${name}`),
    )
    assert.deepEqual([...followed].sort(), present.sort())
    assert.deepEqual(Object.keys(securitySchemes), ['bearerAuth'])
    const tags = new Set(operations.flatMap((operation) => operation.tags))
    assert.deepEqual([...tags].sort(), spec.tags.map((tag) => tag.name).sort())
  })

  it('gives every operation an id of its own', () => {
    const ids = operations.map((operation) => operation.operationId)
    assert.equal(new Set(ids).size, ids.length)
  })

  it('has valid JSON schemas', () => {
    for (const [name, schema] of Object.entries(spec.components.schemas)) {
      assert.equal(ajv.validateSchema(schema), true, `${name}: ${ajv.errorsText()}`)
      assert.doesNotThrow(() => complaints(schema, null), name)
    }
  })

  it('names the parameters of each path, and each parameter once', () => {
    for (const { path, parameters, operationId } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const named = parameters.filter((parameter) => parameter.in === 'path')
      assert.deepEqual(
        named.map(({ name }) => name),
        inPath,
        operationId,
      )
      assert.ok(
        named.every(({ required }) => required),
        operationId,
      )
      const names = parameters.map(({ name }) => name)
      assert.equal(new Set(names).size, names.length, operationId)
    }
  })

  it('has every error that any request, or any guarded one, can meet', () => {
    for (const operation of operations) {
      const statuses = Object.keys(operation.responses)
      const due = isGuarded(operation) ? ['400', '401', '403', '405', '500', '503'] : ['405', '500']
      if (['caller', 'admin'].includes(operation.tags[0])) due.push('429')
      for (const status of due) assert.ok(statuses.includes(status), `${operation.path} ${status}`)
    }
  })

  it('gives an example of every request, answer and error, and each fits its schema', () => {
    for (const { method, path, requestBody, responses } of operations) {
      const bodies = [
        ...(requestBody ? [{ where: 'request', content: requestBody.content }] : []),
        ...Object.entries(responses).map(([status, { content }]) => ({ where: status, content })),
      ]
      for (const { where, content } of bodies) {
        const examples = examplesOf(`${method} ${path} ${where}`, content)
        assert.ok(examples.length > 0, `${method} ${path} ${where} has no example`)
        for (const example of examples) {
          assert.deepEqual(complaints(example.schema, example.value), [], example.where)
        }
      }
    }
  })

  it('has examples and defaults of parameters that fit their schemas', () => {
    for (const { name, schema, example } of operations.flatMap(({ parameters }) => parameters)) {
      for (const value of [example, schema.default]) {
        if (value !== undefined) assert.deepEqual(complaints(schema, value), [], name)
      }
    }
  })

  it('leaves no object of our answers open', () => {
    for (const { path, responses } of operations) {
      for (const [status, { content }] of Object.entries(responses)) {
        for (const { schema } of Object.values(content)) {
          assert.deepEqual(openObjects(schema, `${path} ${status}`), [])
        }
      }
    }
  })
})

/** Where a schema lets an object have members that it says nothing about. */
function openObjects(schema: unknown, where: string): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const isOpen = Reflect.get(schema, 'type') === 'object' && !('additionalProperties' in schema)
  const below = Object.entries(schema).flatMap(([key, inner]) =>
    openObjects(inner, `${where}/${key}`),
  )
  return [...(isOpen ? [where] : []), ...below]
}
