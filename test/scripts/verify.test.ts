import assert from 'node:assert/strict'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { run } from './support.js'

describe('npm run verify', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  before(async () => (database = await freshDatabase()))
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
    const variables = { MONGODB_URI: 'mongodb://127.0.0.1:1/x' }
    const { code, stderr } = await run('verify', [], variables)
    assert.equal(code, 1)
    assert.match(stderr, /^MongoDB cannot be reached/)
  })
})
