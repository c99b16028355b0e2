import assert from 'node:assert/strict'
import { defaultOperations } from '../../src/capture/operations.js'
import type { UsageEvent } from '../../src/event.js'
import { isLate } from '../../src/rollup/freshness.js'
import { dayMs } from '../../src/time.js'
import { traffic } from '../../scripts/seed/traffic.js'
import { freshDatabase } from '../helpers/mongo.js'
import { run } from './support.js'

const until = Date.parse('2026-06-15T12:00:00Z')
const options = {
  users: 50,
  operations: 20_000,
  seed: 7,
  span: { from: new Date(until - 28 * dayMs), to: new Date(until) },
}

describe('seeded traffic', () => {
  const events = [...traffic(options)]
  const count = (is: (event: UsageEvent) => boolean) => events.filter(is).length

  it('is the same for the same seed and another for another', () => {
    assert.deepEqual([...traffic(options)].slice(0, 500), events.slice(0, 500))
    assert.notDeepEqual([...traffic({ ...options, seed: 8 })].slice(0, 5), events.slice(0, 5))
  })

  it('has as many operations as asked for, in order, inside the span', () => {
    assert.equal(events.length, options.operations)
    let last = options.span.from.getTime()
    for (const { timestamp } of events) {
      assert.ok(timestamp.getTime() >= last && timestamp < options.span.to)
      last = timestamp.getTime()
    }
  })

  it('has ids that are UUIDv7 of their instants, each once', () => {
    assert.equal(new Set(events.map((event) => event._id)).size, events.length)
    for (const { _id, timestamp } of events) {
      assert.match(_id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.equal(Number.parseInt(_id.replace('-', '').slice(0, 12), 16), timestamp.getTime())
    }
  })

  it('is stamped as the ledger stamps', () => {
    for (const {
      timestamp,
      recorded_at,
      late,
      tokens_used,
      input_tokens,
      output_tokens,
    } of events) {
      assert.ok(recorded_at >= timestamp && recorded_at <= options.span.to)
      assert.equal(late, isLate(timestamp, recorded_at) ? true : undefined)
      assert.equal(tokens_used, input_tokens + output_tokens)
    }
    assert.ok(count((event) => event.late === true) > 0)
  })

  it('uses every operation, and several models and providers', () => {
    const endpoints = new Set(events.map((event) => event.endpoint))
    assert.deepEqual([...endpoints].sort(), defaultOperations.map(({ path }) => path).sort())
    assert.ok(new Set(events.map((event) => event.provider)).size > 4)
    assert.ok(count((event) => event.cost_nano_usd !== null) === 0)
  })

  it('fails in about one case in twenty, rests at night and at weekends', () => {
    const failed = count((event) => !event.success) / events.length
    assert.ok(failed > 0.04 && failed < 0.065, String(failed))
    const hour = (event: UsageEvent) => event.timestamp.getUTCHours()
    assert.ok(count((event) => hour(event) === 11) > 5 * count((event) => hour(event) === 3))
    const onDay = (day: number) => count((event) => event.timestamp.getUTCDay() === day)
    assert.ok(onDay(3) > 2 * onDay(0))
  })
})

describe('npm run seed', function () {
  this.timeout(120_000)

  it('fills the log, its rollups and accounts, and adds nothing when it is repeated', async () => {
    const database = await freshDatabase()
    const variables = { MONGODB_URI: database.uri }
    const args = '--users 20 --days 3 --operations 2000 --until 2026-06-15T12:00:00Z'.split(' ')
    for (const expected of [/^2000 operations of 20 users/, /^0 operations of 20 users/]) {
      const { code, stdout, stderr } = await run('seed', args, variables)
      assert.equal(code, 0, stderr)
      assert.match(stdout, expected)
    }
    const docs = await database.connection.collection('usage_accounts').find().toArray()
    assert.equal(docs.length, 20)
    assert.equal(
      docs.reduce((sum, doc) => sum + Number(doc.total_operations), 0),
      2000,
    )
    assert.ok(docs.every((doc) => doc.seen_tier !== '' && doc.first_seen_at <= doc.last_active_at))
    const verified = await run('verify', ['--from', '2026-06-12', '--to', '2026-06-16'], variables)
    assert.equal(verified.code, 0, verified.stdout + verified.stderr)
    await database.drop()
  })

  it('refuses values that make no sense', async () => {
    const { code, stderr } = await run('seed', ['--users', '-5'])
    assert.equal(code, 1)
    assert.match(stderr, /--users/)
  })
})
