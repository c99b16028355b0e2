import assert from 'node:assert/strict'
import { World } from '../rollup/support.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { itRefuses, run } from './support.js'

describe('npm run backfill', function () {
  this.timeout(120_000)
  let database: FreshDatabase
  let world: World
  const span = ['--from', '2026-06-09', '--to', '2026-06-12']
  const script = (name: string, args: readonly string[] = span) =>
    run(name, args, { MONGODB_URI: database.uri })

  before(async () => {
    database = await freshDatabase()
    world = new World(database.connection, '2026-06-11T12:00:00Z')
    await world.store.prepare()
    const users = ['alice', 'bob', 'a|user|b']
    for (const user_id of users) {
      for (let hour = 0; hour < 30; hour += 5) {
        const timestamp = new Date(Date.parse('2026-06-09T01:00:00Z') + hour * 3_600_000)
        await world.append([{ user_id, timestamp }])
      }
    }
  })
  after(() => database.drop())

  it('builds the rollups day by day, and the same again', async () => {
    const { code, stdout, stderr } = await script('backfill')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /\[1\/3\] 2026-06-09 .*\n\[2\/3\] 2026-06-10 .*\n\[3\/3\] 2026-06-11/)
    const built = await world.rollupBytes()
    assert.ok(built.length > 20)
    assert.equal((await script('backfill')).code, 0)
    assert.deepEqual(await world.rollupBytes(), built)
  })

  it('repairs what is damaged, missing or stray', async () => {
    const built = await world.rollupBytes()
    const days = database.connection.collection('daily_stats')
    const windows = database.connection.collection('usage_intervals')
    await days.updateOne(
      { user_id: 'alice', date: new Date('2026-06-09') },
      { $inc: { total_tokens: 1 } },
    )
    await days.deleteOne({ user_id: 'bob', date: new Date('2026-06-09') })
    await windows.deleteOne({ scope: 'global' })
    const stray = await windows.findOne({ user_id: 'bob' }, { projection: { _id: 0 } })
    const id = '2026-06-09T01:00:00.000Z|user|mallory'
    await windows.insertOne({ ...stray, _id: id, user_id: 'mallory' } as never)

    const wrong = await script('verify')
    assert.equal(wrong.code, 1, wrong.stderr)
    const lines = wrong.stdout.split('\n')
    assert.ok(lines.includes(`usage_intervals ${id}: stray`), wrong.stdout)
    assert.ok(
      lines.includes('daily_stats 2026-06-09T00:00:00.000Z|user|alice: different'),
      wrong.stdout,
    )
    assert.ok(
      lines.includes('daily_stats 2026-06-09T00:00:00.000Z|user|bob: missing'),
      wrong.stdout,
    )
    assert.match(wrong.stdout, /4 differences from the log/)

    assert.equal((await script('backfill')).code, 0)
    assert.deepEqual(await world.rollupBytes(), built)
    const right = await script('verify')
    assert.equal(right.code, 0, right.stdout + right.stderr)
  })

  itRefuses('backfill', [
    [[], /--from and --to are needed/],
    [['--from', '2026-02-30', '--to', '2026-03-01'], /--from must be a day like/],
    [['--from', '2026-03-01', '--to', '2026-03-01'], /--to must be after --from/],
    [['--since', '2026-03-01'], /Unknown option '--since'/],
  ])
})
