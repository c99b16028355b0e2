import assert from 'node:assert/strict'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, hourMs } from '../../src/time.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { KeepingWorld, logsDays } from '../retention/world.js'
import { run } from './support.js'

describe('commands where raw logs have been deleted', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let world: KeepingWorld
  let rollups: string[]
  const span = ['--from', '2026-05-01', '--to', '2026-05-20']
  const script = (name: string, args: readonly string[] = span) =>
    run(name, args, { MONGODB_URI: database.uri })

  before(async () => {
    database = await freshDatabase()
    world = new KeepingWorld(database.connection, '2026-06-20T12:00:00Z')
    await world.store.prepare()
    for (const days of [logsDays + 5, logsDays - 5]) {
      await world.append([{ timestamp: new Date(world.now - days * dayMs), model: 'gpt-4o' }])
    }
    world.now += hourMs
    await rollUp(world.door())
    await world.retain()
    assert.equal(await world.logsBefore(world.keptFrom), 0)
    rollups = await world.rollupBytes()
  })
  after(() => database.drop())
  afterEach(async () => assert.deepEqual(await world.rollupBytes(), rollups))

  for (const name of ['backfill', 'reprice']) {
    it(`leave what they cannot compute, and say from when they can: ${name}`, async () => {
      const { code, stdout, stderr } = await script(name)
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /^Raw logs before 2026-05-15 have been deleted.*Use --from 2026-05-15/)
    })
  }

  it('work from that day on: backfill', async () => {
    const { code, stderr } = await script('backfill', ['--from', '2026-05-15', ...span.slice(2)])
    assert.equal(code, 0, stderr)
  })

  it('leave those days out: verify', async () => {
    const { code, stdout, stderr } = await script('verify')
    assert.equal(code, 0, stderr)
    assert.match(
      stdout,
      /^Days before 2026-05-15 are left out: their raw logs have been deleted\.$/m,
    )
    assert.match(stdout, /^2026-05-15 to 2026-05-19: \d+ rollup documents, 0 differences/m)
  })

  it('have nothing to compare where all is gone: verify', async () => {
    const { code, stdout } = await script('verify', ['--from', '2026-05-01', '--to', '2026-05-03'])
    assert.equal(code, 0)
    assert.match(stdout, /^Days before 2026-05-15 are left out.*\n$/)
  })
})
