import assert from 'node:assert/strict'
import type { Request } from 'express'
import fc from 'fast-check'
import * as z from 'zod'
import { logFilterOf, logPageFields } from '../../../routes/logs.js'
import {
  cursorInstant,
  decodeCursor,
  fields,
  parseQuery,
  spanFields,
  spanOf,
} from '../../../routes/query.js'
import { errorCodes, UsageError } from '../../../src/errors.js'
import { cases, edited, edits, quickly, timeoutMs } from './fuzz.js'

const now = Date.parse('2026-03-01T12:00:00Z')
const position = z.tuple([cursorInstant, z.string().max(64)])

const names = [
  ...[...Object.keys(fields), 'q', 'sort', 'compare', 'user', 'tier', 'days', 'limit', 'cursor'],
  ...['__proto__', 'constructor', 'hasOwnProperty', 'toString', '$where', '$or', 'days[$gt]'],
  ...['days[]', 'days[0]', 'limit.x', ' days', 'DAYS', 'd%61ys', 'days%00', '%', '%ED%A0%80', ''],
]
const cursorOf = (text: string) => Buffer.from(text).toString('base64url')
const values = [
  ...['1', '30', '366', '367', '0', '-1', '+1', '1e2', '0x1f', '1.5', '9'.repeat(400), '٣', ''],
  ...[
    '2026-03-01',
    '2026-02-30',
    '2026-03-01T10:00:00Z',
    '2026-03-01T10:00:00+14:00',
    '0000-00-00',
  ],
  ...['9999-12-31', '2026-03-01T24:00:00Z', '2026-03-01T10:00:00.999999999999999999999Z', '::::'],
  ...['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/Argentina/Buenos_Aires', 'Etc/GMT+12'],
  ...['europe/BERLIN', '../../etc/passwd', 'A'.repeat(9_000), '/'.repeat(3_000), 'Z', '__proto__'],
  ...['true', 'false', 'ok', 'error', '%00', '%0d%0a', '%u0061', '%E0%A4%A', '%ED%A0%80', '+', '&'],
  ...['.*', '^(a+)+$', '(?=a)', '\\', '{"$ne":null}', '%7B%22%24gt%22%3A1%7D', 'a%2Cb', ',,,,'],
  ...['[1,"a"]', '[1e300,"a"]', '[{"$gt":1},"a"]', '['.repeat(4_000), '{"__proto__":1}'].map(
    cursorOf,
  ),
  ...['null', '[null]', '[1,"a","b"]', '"x"', '\ud800', '[8640000000000001,""]'].map(cursorOf),
]

const pair = fc
  .tuple(fc.nat(names.length - 1), fc.nat(values.length - 1), fc.constantFrom('=', '', '==', '=&'))
  .map(([name, value, sign]) => `${names[name] ?? ''}${sign}${values[value] ?? ''}`)

const query = fc
  .tuple(fc.array(pair, { maxLength: 5 }), edits(2), fc.constantFrom('&', '&', '&', ';', '&&', '?'))
  .map(([pairs, todo, between]) =>
    edited(pairs.join(between), todo, [...names, ...values.slice(0, 40), '%', '=', '&']),
  )

/** Everything a route does with its query. */
const questions: readonly ((req: Request) => unknown)[] = [
  (req) => spanOf(parseQuery(req, spanFields), now, 'UTC'),
  (req) => {
    const asked = parseQuery(req, { ...logPageFields, user: fields.id })
    return [logFilterOf(asked, 'UTC'), asked.cursor && decodeCursor(asked.cursor, position)]
  },
  (req) => parseQuery(req, { ...fields, cursor: fields.cursor }),
  (req) => parseQuery(req, {}),
]

describe('the parser of queries, whatever is asked', function () {
  this.timeout(timeoutMs)

  it('answers or refuses with a 4xx, at once, and leaves prototypes alone', () => {
    let answered = 0
    const property = fc.property(query, fc.nat(questions.length - 1), (text, which) => {
      const req = { url: `/me?${text}` } as Request
      try {
        quickly(() => questions[which]?.(req))
        answered += 1
      } catch (error) {
        assert.ok(error instanceof UsageError, String(error))
        const { status } = errorCodes[error.code] as { status?: number }
        assert.equal(status, 400)
        assert.ok(String(error.details.parameter).length <= 64)
      }
      assert.equal(Object.keys(Object.prototype).length, 0)
    })
    fc.assert(property, { numRuns: cases })
    assert.ok(answered > cases / 100, `only ${answered} were answered`)
  })
})
