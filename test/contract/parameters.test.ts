import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { TestApp } from '../helpers/app.js'
import { anyCharacter } from '../helpers/characters.js'
import { isGuarded, named, operations, type Operation, type Parameter } from './spec.js'
import { as, ask, fits, pathOf, startWorld } from './world.js'

const guarded = operations.filter(isGuarded)
const queryOf = ({ parameters }: Operation) => parameters.filter((one) => one.in === 'query')

const number = (value: unknown, otherwise: number) =>
  typeof value === 'number' ? value : otherwise

/** Values that a parameter's schema or description rules out. */
function badValues({ name, schema }: Parameter): string[] {
  const isAllowed = (value: string) =>
    typeof schema.pattern === 'string' && new RegExp(schema.pattern, 'u').test(value)
  const invisible = ['\0', '\u202e'].filter((value) => !isAllowed(value))
  const always = ['', ...invisible, 'x'.repeat(number(schema.maxLength, 600) + 1)]
  if (schema.type === 'integer') {
    const beyond = [number(schema.minimum, 0) - 1, number(schema.maximum, 0) + 1].map(String)
    const odd = ['abc', '1.5', '-1', '+1', '1e2', '0x1', ' 1', '1 ', '1,2', 'NaN', 'null', '٣']
    return [...always, ...beyond, ...odd, '9'.repeat(400)]
  }
  if (schema.type === 'boolean') return [...always, 'TRUE', '1', '0', 'yes', 'null']
  if (name === 'cursor')
    return [...always, 'abc', 'bnVsbA', 'W10', 'e30', 'WyJ4Il0', '%', 'W251bGxd']
  if (name === 'compare') return [...always, ',', 'a,,b', 'a,', 'x,'.repeat(21)]
  if (name === 'timezone') return [...always, 'Nowhere/Land', '+01:00', '1', 'Europe/Berlin ']
  if (name === 'from' || name === 'to') {
    const dates = ['2026-02-30', '2026-3-1', '1999-12-31', '10000-01-01', '20260301', 'today', '0']
    return [...always, ...dates, '2026-03-01T10:00:00', '2026-03-01 10:00Z', '2026-03-01T25:00:00Z']
  }
  if (Array.isArray(schema.enum)) {
    const [first] = schema.enum as unknown[]
    return [...always, 'nonsense', `${String(first)} `, String(first).toUpperCase()]
  }
  return always
}

const encode = (name: string, value: string) =>
  `${encodeURIComponent(name)}=${encodeURIComponent(value)}`

/** A value that a parameter takes. */
function goodValue({ name, example }: Parameter): string {
  if (name === 'cursor') return Buffer.from('[1,"a"]').toString('base64url')
  return String(example ?? '2026-03-01')
}

describe('the parameters of the HTTP API', () => {
  let app: TestApp
  before(async () => {
    app = await startWorld()
  })
  after(() => app.close())

  const refuses = async (operation: Operation, query: string, parameter?: string) => {
    const headers = { ...as.admin, 'content-type': 'application/json' }
    const body = operation.requestBody && '[{}]'
    const path = `${pathOf(operation)}?${query}`
    const response = await ask(app, operation.method, path, headers, body)
    const problem = (await fits(response, operation, 400)) as Record<string, unknown>
    assert.equal(problem.code, 'invalid_parameter', query)
    if (parameter !== undefined) assert.equal(problem.parameter, parameter.slice(0, 64), query)
  }

  for (const operation of guarded) {
    const names = queryOf(operation).map(({ name }) => name)

    it(`of ${operation.method} ${operation.path} are refused when unknown, whatever they are called`, async () => {
      const unknown = [
        'nothing',
        'Days',
        '__proto__',
        'constructor',
        'toString',
        '$where',
        'x'.repeat(300),
        '',
      ]
      for (const name of unknown) await refuses(operation, encode(name, '1'), name)
      const known = ['days', 'limit', 'user', 'sort', 'compare'].filter(
        (name) => !names.includes(name),
      )
      for (const name of known) await refuses(operation, encode(name, '1'), name)
    })

    for (const parameter of queryOf(operation)) {
      const { name } = parameter

      it(`of ${operation.path}: ${name} is refused when malformed`, async () => {
        // The end of a span is only looked at with its start.
        const start = name === 'to' ? 'from=2026-03-01&' : ''
        for (const value of badValues(parameter)) {
          await refuses(operation, start + encode(name, value), name)
        }
      })

      it(`of ${operation.path}: ${name} is refused as an operator, and when repeated`, async () => {
        const value = goodValue(parameter)
        for (const key of [
          `${name}[$gt]`,
          `${name}[$ne]`,
          `${name}[]`,
          `${name}[0]`,
          `${name}.x`,
          ` ${name}`,
        ]) {
          await refuses(operation, encode(key, value), key)
        }
        await refuses(operation, `${encode(name, value)}&${encode(name, value)}`, name)
        await refuses(operation, `${name}=&${encode(name, value)}`, name)
      })
    }
  }

  it('of a path are refused when they are no user ids', async () => {
    for (const id of ['x'.repeat(257), '%00', '%0A', '%E0%A4%A', '%ED%A0%80', '%']) {
      const response = await ask(app, 'GET', `/user/${id}`, as.admin)
      assert.equal(response.status, 400, id)
      assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
    }
  })

  it('of a span are refused when they contradict each other', async () => {
    for (const operation of guarded.filter((one) =>
      queryOf(one).some(({ name }) => name === 'days'),
    )) {
      await refuses(operation, 'days=7&from=2026-03-01', 'days')
      await refuses(operation, 'to=2026-03-01', 'from')
      await refuses(operation, 'from=2026-03-02&to=2026-03-01', 'to')
      await refuses(operation, 'from=2026-03-01&to=2026-03-01', 'to')
      await refuses(operation, 'from=2020-01-01&to=2026-03-01', 'from')
    }
    for (const operation of guarded.filter((one) => one.path.endsWith('logs'))) {
      await refuses(operation, 'from=2026-03-02&to=2026-03-01', 'to')
    }
  })

  it('are refused as cursors with positions that no list has', async () => {
    const forged = [
      '[1e300,"a"]',
      '[9000000000000000,"a"]',
      '[null,"a"]',
      '["2026","a"]',
      '[{"$gt":1},"a"]',
    ]
    for (const operation of guarded.filter((one) =>
      queryOf(one).some(({ name }) => name === 'cursor'),
    )) {
      for (const position of forged) {
        await refuses(operation, `cursor=${Buffer.from(position).toString('base64url')}`, 'cursor')
      }
    }
  })

  it('are refused as cursors of a list that is sorted otherwise', async () => {
    const operation = named('listUsers')
    for (const [position, sort] of [
      ['["alice","alice"]', '-total_tokens'],
      ['["alice","alice"]', 'last_active'],
      ['[1,"alice"]', 'user_id'],
    ] as const) {
      const cursor = Buffer.from(position).toString('base64url')
      await refuses(operation, `sort=${sort}&cursor=${cursor}`, 'cursor')
    }
  })

  it('never lead to anything but an answer or a 400, whatever is sent', async () => {
    const gets = guarded.filter(({ method, path }) => method === 'GET' && !path.endsWith('stream'))
    const pair = fc.tuple(
      fc.constantFrom(...new Set(gets.flatMap(queryOf).map(({ name }) => name)), '$or', 'a[b]'),
      fc.oneof(
        fc.string({ unit: anyCharacter, maxLength: 40 }),
        fc.nat().map(String),
        fc.constant('true'),
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...gets),
        fc.array(pair, { maxLength: 3 }),
        async (operation, pairs) => {
          const query = new URLSearchParams(pairs).toString()
          const response = await ask(app, 'GET', `${pathOf(operation)}?${query}`, as.admin)
          await fits(response, operation, response.status === 200 ? 200 : 400)
        },
      ),
      { numRuns: 60 },
    )
  })
})
