import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { World } from '../rollup/support.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { itRefuses, run } from './support.js'

describe('npm run reprice', function () {
  this.timeout(120_000)
  let database: FreshDatabase
  let world: World
  let folder: string
  const span = ['--from', '2026-06-09', '--to', '2026-06-12']
  const script = (name: string, args: readonly string[]) =>
    run(name, args, { MONGODB_URI: database.uri })

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'reprice-'))
    database = await freshDatabase()
    world = new World(database.connection, '2026-06-11T12:00:00Z')
    await world.store.prepare()
    const tokens = { input_tokens: 1000, output_tokens: 500, provider: 'openai' }
    const timestamp = new Date('2026-06-10T08:00:00Z')
    await world.append([
      { ...tokens, timestamp, model: 'gpt-4o-mini' },
      { ...tokens, timestamp, model: 'gpt-4o-mini', user_id: 'bob' },
      { ...tokens, timestamp, model: 'gpt-4o', cost_nano_usd: 5, cost_source: 'provider' },
      { ...tokens, timestamp, model: 'house-1', provider: 'acme' },
    ])
  })
  after(async () => {
    await rm(folder, { recursive: true })
    await database.drop()
  })

  it('tells what it would do', async () => {
    const { code, stdout, stderr } = await script('reprice', [...span, '--dry-run'])
    assert.equal(code, 0, stderr)
    assert.match(stdout, /4 operations: 2 would change/)
    assert.match(stdout, /old sum \$0\.000000005, new sum \$0\.000900005/)
    assert.match(stdout, /1 still unpriced/)
  })

  it('rewrites costs and rollups, once, and verify agrees', async () => {
    const first = await script('reprice', span)
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout, /4 operations: 2 changed/)
    assert.match(first.stdout, /1 with a cost from the provider or the host left alone/)
    const [day] = await world.store.days.read(
      [{ from: new Date('2026-06-10'), to: new Date('2026-06-11') }],
      'global',
    )
    assert.equal(day?.cost_nano_usd, 900_005)
    assert.match((await script('reprice', span)).stdout, /4 operations: 0 changed/)
    const verified = await script('verify', span)
    assert.equal(verified.code, 0, verified.stdout)
  })

  it('takes a model, and the prices of the host', async () => {
    const file = path.join(folder, 'prices.json')
    const price = { model: 'house-*', input_usd_per_million: 3, output_usd_per_million: 15 }
    await writeFile(file, JSON.stringify([price]))
    const args = [...span, '--model', 'house-*', '--overrides', file]
    const { code, stdout, stderr } = await script('reprice', args)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /1 operations: 1 changed\nold sum \$0\.000000000, new sum \$0\.010500000/)
  })

  itRefuses('reprice', [
    [[], /--from and --to are needed/],
    [['--from', '2026-06-12', '--to', '2026-06-12'], /--to must be after --from/],
    [[...span, '--model', 'a*b'], /--model must be a model/],
    [[...span, '--overrides', '/nowhere.json'], /nowhere\.json holds no list of prices/],
  ])
})
