import assert from 'node:assert/strict'
import type { Request } from 'express'
import { parseQuery, spanFields, spanOf } from '../../routes/query.js'

const zoneOf = (timezone: string) =>
  spanOf(parseQuery({ url: `/me?timezone=${timezone}` } as Request, spanFields), Date.now(), 'UTC')
    .timezone

describe('time zones that clients name', () => {
  it('are remembered by one name, however they are spelt', () => {
    const berlin = 'europe/berlin'
    const spellings = Array.from({ length: 200 }, (_, bits) =>
      Array.from(berlin)
        .map((letter, at) => ((bits >> at) & 1 ? letter.toUpperCase() : letter))
        .join(''),
    )
    assert.deepEqual(new Set(spellings.map(zoneOf)), new Set(['Europe/Berlin']))
  })
})
