import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { ModelShare } from '../../src/event.js'
import { modelsUsage } from '../../src/insight/models.js'
import { rebuildDays, verifyDay } from '../../src/rollup/rebuild.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { span, World, type EventFacts } from './support.js'

const june = span('2026-06-01', '2026-06-02')
const timestamp = new Date('2026-06-01T10:00:00Z')
const unknownPrice = () => ({ cost_nano_usd: null })

function share(model: string, facts: Partial<ModelShare> = {}): ModelShare {
  return {
    ...{ provider: 'acme', model, attempts: 1, input_tokens: 10, output_tokens: 5 },
    ...{ cache_read_tokens: 1, cache_write_tokens: 0, reasoning_tokens: 2, cost_nano_usd: 7 },
    ...facts,
  }
}

/** The event that shares add up to. */
function eventOf(models: ModelShare[], facts: Partial<EventFacts> = {}): EventFacts {
  const sum = (key: 'input_tokens' | 'output_tokens' | 'cache_read_tokens' | 'reasoning_tokens') =>
    models.reduce((total, one) => total + one[key], 0)
  const costs = models.map(({ cost_nano_usd }) => cost_nano_usd)
  const isKnown = costs.every((cost) => cost !== null)
  return {
    timestamp,
    models,
    ...{ input_tokens: sum('input_tokens'), output_tokens: sum('output_tokens') },
    ...{ cache_read_tokens: sum('cache_read_tokens'), reasoning_tokens: sum('reasoning_tokens') },
    cost_nano_usd: isKnown ? costs.reduce((total, cost) => total + cost, 0) : null,
    response_time_ms: 100,
    ...facts,
  }
}

describe('operations of several models', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let world: World
  beforeEach(async () => {
    database = await freshDatabase()
    world = new World(database.connection, '2026-06-05T12:00:00Z')
    await world.store.prepare()
  })
  afterEach(() => database.drop())
  const models = () =>
    modelsUsage(world.store, { span: june, timezone: 'UTC', compare: [] }, unknownPrice)

  it('count once, with the model that used most, and each model has its own tokens', async () => {
    const big = share('big', { input_tokens: 100, output_tokens: 50 })
    await world.append([eventOf([share('small'), big, share('small')], { success: false })])
    for (const rolledUp of [false, true]) {
      if (rolledUp) await rebuildDays(world.door(), world.days())
      const found = (await models()).models.map((row) => ({
        ...{ model: row.model, operations: row.operations, failed: row.failed_operations },
        ...{ tokens: row.tokens, cost: row.cost_usd, p95: row.p95_response_time_ms !== null },
      }))
      assert.deepEqual(found, [
        { model: 'big', operations: 1, failed: 1, tokens: 150, cost: 7e-9, p95: true },
        { model: 'small', operations: 0, failed: 0, tokens: 30, cost: 14e-9, p95: false },
      ])
      const { total_operations, total_tokens, total_cost_usd, avg_response_time_ms } =
        await world.globalUsage(june, 'UTC')
      const totals = { total_operations, total_tokens, total_cost_usd, avg_response_time_ms }
      assert.deepEqual(totals, {
        ...{ total_operations: 1, total_tokens: 180, total_cost_usd: 21e-9 },
        avg_response_time_ms: 100,
      })
    }
    assert.deepEqual((await verifyDay(world.door(), Date.parse('2026-06-01'))).differences, [])
  })

  it('are unpriced once, under the model that has no price, and its tokens only', async () => {
    const unpriced = { cost_nano_usd: null }
    await world.append([
      eventOf([share('a', { input_tokens: 99 }), share('b', unpriced), share('c', unpriced)]),
    ])
    const { unpriced: found } = await models()
    assert.deepEqual(found, {
      operations: 1,
      tokens: 30,
      models: [
        { model: 'b', provider: 'acme', operations: 1, tokens: 15 },
        { model: 'c', provider: 'acme', operations: 0, tokens: 15 },
      ],
    })
    assert.equal((await world.globalUsage(june, 'UTC')).unpriced_operations, 1)
  })

  it('add up to the events’ own figures, whatever their shares', async () => {
    const tokens = fc.integer({ min: 0, max: 1000 })
    const drawn = fc.record({
      model: fc.constantFrom('a', 'b', '$c'),
      ...{ input_tokens: tokens, output_tokens: tokens },
      cost_nano_usd: fc.option(tokens),
    })
    const log = fc.array(fc.array(drawn, { maxLength: 4 }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(log, async (operations) => {
        await database.connection.collection('usage_logs').deleteMany({})
        const events = operations.map((shares) =>
          eventOf(shares.map(({ model, ...facts }) => share(model, facts))),
        )
        await world.append(events)
        const whole = await world.globalUsage(june, 'UTC')
        const sum = (key: 'input_tokens' | 'output_tokens') =>
          events.reduce((total, event) => total + (event[key] ?? 0), 0)
        assert.equal(whole.total_operations, events.length)
        assert.equal(whole.input_tokens, sum('input_tokens'))
        assert.equal(whole.output_tokens, sum('output_tokens'))
        const known = operations.flat().reduce((total, one) => total + (one.cost_nano_usd ?? 0), 0)
        const unpriced = operations.filter((shares) =>
          shares.some(
            (one) => one.cost_nano_usd === null && one.input_tokens + one.output_tokens > 0,
          ),
        )
        assert.equal(whole.unpriced.operations, unpriced.length)
        if (known > 0) assert.equal(Math.round((whole.total_cost_usd ?? 0) * 1e9), known)
      }),
      { numRuns: 25 },
    )
  })
})
