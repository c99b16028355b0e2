import assert from 'node:assert/strict'
import type { PriceOverride } from '../../src/pricing/override.js'
import { reprice, type RepriceOptions } from '../../src/pricing/reprice.js'
import { rebuildDays, verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp, type RollupDoor } from '../../src/rollup/roller.js'
import { hourMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { span, World, type EventFacts } from '../rollup/support.js'
import { book } from './support.js'

const day = Date.parse('2026-06-01')
const june = span('2026-06-01', '2026-06-02')
const at = (time: string) => new Date(`2026-06-01T${time}Z`)

describe('repricing', function () {
  this.timeout(30_000)
  let database: FreshDatabase
  let world: World
  beforeEach(async () => {
    database = await freshDatabase()
    world = new World(database.connection, '2026-06-05T12:00:00Z')
    await world.store.prepare()
  })
  afterEach(() => database.drop())

  const run = async (prices: readonly PriceOverride[], more: Partial<RepriceOptions> = {}) => {
    const ours = await book(prices)
    const store = { ...world.store, db: world.door().db }
    const price: RepriceOptions['price'] = (...asked) => ours.price(...asked)
    return reprice(store, { span: june, price, dryRun: false, ...more })
  }
  const operation = (facts: Partial<EventFacts> = {}): EventFacts => ({
    timestamp: at('10:00:00'),
    provider: 'acme',
    model: 'm-1',
    input_tokens: 1000,
    output_tokens: 500,
    ...facts,
  })
  const price = { model: 'm-1', input_usd_per_million: 3, output_usd_per_million: 15 }
  const stored = async () => {
    const logs = database.connection.collection('usage_logs').find().sort({ _id: 1 })
    return (await logs.toArray()) as unknown as {
      cost_nano_usd: number | null
      cost_source?: string
    }[]
  }
  const total = async () => (await world.globalUsage(june, 'UTC')).total_cost_usd

  it('prices what was unpriced, reports it, and changes nothing the second time', async () => {
    await world.append([operation(), operation(), operation({ model: 'm-2' })])
    const report = await run([price])
    const { days, ...counts } = report
    assert.deepEqual(counts, {
      ...{ operations: 3, given: 0, kept: 0, changed: 2, still_unpriced: 1 },
      ...{ old_sum_nano_usd: 0, new_sum_nano_usd: 21_000_000 },
    })
    assert.deepEqual([...days], [day])
    const before = await stored()
    const again = await run([price])
    assert.equal(again.changed, 0)
    assert.equal(again.old_sum_nano_usd, 21_000_000)
    assert.deepEqual(await stored(), before)
  })

  it('says what it would do, and does not, in a dry run', async () => {
    await world.append([operation()])
    const before = await stored()
    const report = await run([price], { dryRun: true })
    assert.equal(report.changed, 1)
    assert.equal(report.new_sum_nano_usd, 10_500_000)
    assert.deepEqual(await stored(), before)
  })

  it('leaves alone what the provider reported and the host gave', async () => {
    await world.append([
      operation({ cost_nano_usd: 7, cost_source: 'provider' }),
      operation({ cost_nano_usd: 0, cost_source: 'annotated' }),
    ])
    const before = await stored()
    const report = await run([price])
    assert.equal(report.given, 2)
    assert.equal(report.changed, 0)
    assert.deepEqual(await stored(), before)
  })

  it('makes no known cost unknown, and forgets an own price only when told to', async () => {
    const known = { cost_nano_usd: 99, cost_source: 'override' } as const
    await world.append([
      operation(known),
      operation({ ...known, provider: 'openai', model: 'gpt-4o-mini' }),
    ])
    assert.equal((await run([])).kept, 2)
    const report = await run([], { replaceOverrides: true })
    assert.equal(report.kept, 1)
    assert.equal(report.new_sum_nano_usd, 99 + 450_000)
    const sources = (await stored()).map(({ cost_source }) => cost_source)
    assert.deepEqual(sources.sort(), ['catalogue', 'override'])
  })

  it('takes the model, or those whose name begins so, and the span, half open', async () => {
    await world.append([
      ...[operation(), operation({ model: 'm-12' }), operation({ model: 'n' })],
      ...[operation({ timestamp: new Date(day - 1) }), operation({ timestamp: june.to })],
    ])
    const all = [price, { ...price, model: '*' }]
    assert.equal((await run(all, { model: { name: 'm-1' }, dryRun: true })).operations, 1)
    assert.equal((await run(all, { model: { prefix: 'm-1' }, dryRun: true })).operations, 2)
    assert.equal((await run(all)).operations, 3)
  })

  it('prices each share of an operation by itself, and leaves those that are given', async () => {
    const share = {
      ...{ attempts: 1, cache_read_tokens: 0, cache_write_tokens: 0, reasoning_tokens: 0 },
      ...{ input_tokens: 500, output_tokens: 250, provider: 'acme', cost_nano_usd: null },
    }
    const models = [
      { ...share, model: 'm-1' },
      { ...share, model: 'm-9', cost_nano_usd: 5, cost_source: 'provider' as const },
    ]
    await world.append([operation({ models })])
    await run([price])
    const [found] = (await stored()) as unknown as { cost_nano_usd: number; models: unknown }[]
    assert.equal(found?.cost_nano_usd, 5_250_005)
    assert.deepEqual(found.models, [
      { ...models[0], cost_nano_usd: 5_250_000, cost_source: 'override' },
      models[1],
    ])
    assert.equal((await run([price])).changed, 0)
  })

  it('keeps the cost of several calls whose prompts it cannot tell apart any more', async () => {
    const facts = {
      ...{ provider: 'google', model: 'gemini-2.5-pro' },
      ...{ input_tokens: 300_000, output_tokens: 1_000, attempts: 2 },
    }
    // Two prompts of 150,000 tokens, each below the tier that their sum is in.
    const known = { cost_nano_usd: 385_000_000, cost_source: 'catalogue' as const }
    const unpriced = { ...facts, timestamp: at('11:00:00') }
    const short = { ...facts, ...known, input_tokens: 100_000, timestamp: at('12:00:00') }
    await world.append([operation({ ...facts, ...known }), operation(unpriced), operation(short)])
    const { changed, kept } = await run([])
    assert.deepEqual({ changed, kept }, { changed: 2, kept: 1 })
    const costs = (await stored()).map((one) => one.cost_nano_usd)
    assert.deepEqual(costs.toSorted(), [135_000_000, 385_000_000, 385_000_000])
  })

  it('keeps the cost of calls that were served in several ways', async () => {
    const known = { cost_nano_usd: 400_000, cost_source: 'catalogue' as const }
    const facts = { provider: 'openai', model: 'gpt-4o-mini', service_tier: 'mixed', attempts: 2 }
    await world.append([operation({ ...facts, ...known })])
    assert.equal((await run([])).kept, 1)
  })

  it('is seen at once, followed by the next roll-up, and proven by verify', async () => {
    await world.append([operation(), operation({ user_id: 'bob', timestamp: at('23:59:59') })])
    world.now += hourMs
    await rollUp(world.door())
    assert.equal(await total(), null)
    await run([price])
    assert.equal(await total(), 0.021)
    assert.deepEqual((await verifyDay(world.door(), day)).differences, [])
    world.now += hourMs
    await rollUp(world.door())
    assert.equal(await total(), 0.021)
    assert.deepEqual((await verifyDay(world.door(), day)).differences, [])
    const [doc] = await world.store.days.read([june], 'global')
    assert.equal(doc?.cost_nano_usd, 21_000_000)
    const rolledUp = await world.rollupBytes()
    await rebuildDays(world.door(), [day])
    assert.deepEqual(await world.rollupBytes(), rolledUp)
  })

  it('cannot be undone by a roller that read the old costs and writes late', async () => {
    await world.append([operation()])
    world.now += hourMs
    const held = heldAfterReading(world.door(1))
    const slow = rollUp(held.door)
    await held.hasRead
    await run([price])
    await rebuildDays(world.door(), [day])
    const right = await world.rollupBytes()
    held.release()
    await slow
    assert.deepEqual(await world.rollupBytes(), right)
    const [doc] = await world.store.days.read([june], 'global')
    assert.equal(doc?.cost_nano_usd, 10_500_000)
  })

  it('gives its last word to the rollups when it runs twice within one moment', async () => {
    await world.append([operation()])
    const held = heldAfterReading(world.door(1))
    await run([price])
    const slow = rollUp(held.door)
    await held.hasRead
    // The same instant by the database's clock: only the revision tells which costs are newer.
    await run([{ ...price, input_usd_per_million: 4 }])
    await rebuildDays(world.door(), [day])
    held.release()
    await slow
    const [doc] = await world.store.days.read([june], 'global')
    assert.equal(doc?.cost_nano_usd, 11_500_000)
  })
})

/** A roller's door that waits between its first read of the log and what comes of it. */
function heldAfterReading(door: RollupDoor) {
  let read: () => void = () => undefined
  let release: () => void = () => undefined
  const hasRead = new Promise<void>((resolve) => (read = resolve))
  const released = new Promise<void>((resolve) => (release = resolve))
  const rows = Object.create(door.rows, {
    read: {
      value: async (...args: Parameters<typeof door.rows.read>) => {
        const found = await door.rows.read(...args)
        read()
        await released
        return found
      },
    },
    touchedWindows: {
      value: (...asked: Parameters<typeof door.rows.touchedWindows>) =>
        door.rows.touchedWindows(...asked),
    },
  }) as typeof door.rows
  return { door: { ...door, rows }, hasRead, release: () => release() }
}
