import assert from 'node:assert/strict'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { run, type Finished } from './support.js'

describe('npm run verify', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let unreachable: Promise<Finished>
  before(async () => {
    // Takes its five seconds to give up while the others run.
    unreachable = run('verify', [], { MONGODB_URI: 'mongodb://127.0.0.1:1/x' })
    database = await freshDatabase()
  })
  after(() => database.drop())

  it('looks at the last 32 days by default and says what is not rolled up yet', async () => {
    const { code, stdout, stderr } = await run('verify', [], { MONGODB_URI: database.uri })
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^Nothing has been rolled up yet/)
    const today = new Date().toISOString().slice(0, 10)
    const first = new Date(Date.now() - 31 * 86_400_000).toISOString().slice(0, 10)
    assert.match(
      stdout,
      new RegExp(`^${first} to ${today}: 0 rollup documents, 0 differences`, 'm'),
    )
  })

  it('names a server that cannot be reached', async () => {
    const { code, stderr } = await unreachable
    assert.equal(code, 1)
    assert.match(stderr, /^MongoDB cannot be reached/)
  })
})
