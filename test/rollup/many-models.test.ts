import assert from 'node:assert/strict'
import { noFigures, type Cell } from '../../src/rollup/cells.js'
import { boundedCells } from '../../src/rollup/bounded.js'
import { CellSet } from '../../src/rollup/cells.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, floorTo, hourMs, minuteMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { span, World, type EventFacts } from './support.js'

const invented = 15_000

describe('more models than there are, as clients may name them', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let world: World
  before(async () => {
    database = await freshDatabase()
    world = new World(database.connection, '2026-06-10T12:07:00Z')
    await world.store.prepare()
    const at = (ms: number) => ({ timestamp: new Date(world.now - ms) })
    const honest = { user_id: 'alice', model: 'gpt-4o', input_tokens: 3, output_tokens: 4 }
    await world.append([
      { ...honest, ...at(hourMs) },
      ...Array<EventFacts>(3).fill({ ...honest, ...at(minuteMs) }),
    ])
    const events = Array.from({ length: invented }, (_, index) => ({
      ...{
        user_id: 'mallory',
        model: `${index}`.padEnd(256, 'é'),
        input_tokens: 1,
        output_tokens: 0,
      },
      ...at(minuteMs + (index % 100)),
    }))
    for (let i = 0; i < invented; i += 1_000) await world.append(events.slice(i, i + 1_000))
    world.now += hourMs
    await rollUp(world.door())
  })
  after(() => database.drop())

  it('keep no other user from being rolled up', async () => {
    const days = await world.store.days.read([span('2026-06-10', '2026-06-11')], {
      user_id: 'alice',
    })
    assert.deepEqual(
      days.map((day) => [day.total_operations, day.total_tokens]),
      [[4, 28]],
    )
  })

  it('are counted under other, and the sums stay', async () => {
    const [day] = await world.store.days.read([span('2026-06-10', '2026-06-11')], 'global')
    assert.deepEqual([day?.total_operations, day?.total_tokens], [invented + 4, invented + 28])
    const cells = day?.cells ?? []
    assert.ok(cells.length <= 2_000, String(cells.length))
    const operationsOf = (model: string) => cells.find((cell) => cell.model === model)?.operations
    assert.equal(operationsOf('gpt-4o'), 4)
    assert.ok((operationsOf('other') ?? 0) > 13_000)
    assert.equal(
      cells.reduce((sum, cell) => sum + cell.operations, 0),
      invented + 4,
    )
  })

  it('leave rollups that agree with the log', async () => {
    const { differences } = await verifyDay(world.door(), floorTo(world.now, dayMs))
    assert.deepEqual(differences, [])
  })
})

describe('the cells of one document', () => {
  const cell = (facts: Partial<Cell>): Cell => ({
    ...{ operation_type: 'chat', endpoint: '/ai/chat', tier: 'free', token_source: 'provider' },
    ...{ ...noFigures(), operations: 1, latency: [] },
    ...facts,
  })
  const kinds: [string, (index: number) => Partial<Cell>][] = [
    ['models', (index) => ({ model: `model-${index}` })],
    ['endpoints', (index) => ({ endpoint: `/tenants/${index}/ask` })],
    ['types and tiers', (index) => ({ operation_type: `t${index}`, tier: `tier-${index}` })],
  ]
  for (const [name, facts] of kinds) {
    it(`are few, whatever the number of ${name}, add up, and are the same in any order`, () => {
      const cells = Array.from({ length: 5_000 }, (_, index) =>
        cell({ ...facts(index), operations: 1 + (index % 7) }),
      )
      const bounded = (some: readonly Cell[]) => {
        const set = new CellSet()
        for (const one of some) set.add(one)
        return boundedCells(set)
      }
      const found = bounded(cells)
      assert.ok(found.length <= 2_000 && found.length >= 1_800, String(found.length))
      const sum = (some: readonly Cell[]) =>
        some.reduce((all, { operations }) => all + operations, 0)
      assert.equal(sum(found), sum(cells))
      assert.deepEqual(bounded(cells.toReversed()), found)
      assert.deepEqual(bounded(found), found)
    })
  }
})
