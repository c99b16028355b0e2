import assert from 'node:assert/strict'
import { usageLogModel } from '../../models/usage-log.js'
import { systemClock } from '../../src/clock.js'
import { createStore } from '../../src/store/store.js'
import { isGuarded, operations, type Operation } from '../contract/spec.js'
import { as, send } from '../contract/world.js'
import type { TestApp } from '../helpers/app.js'
import { freshDatabase } from '../helpers/mongo.js'
import { startOverheard, type Command } from './commands.js'

const reads = operations.filter(({ method, path }) => method === 'GET' && !path.endsWith('stream'))
/** Erasing goes on when nobody waits for it. */
const isErasing = ({ method, path }: Operation) => method === 'DELETE' && path.startsWith('/users/')

describe('the reads of the HTTP API', () => {
  let app: TestApp
  let heard: Command[]
  before(async () => {
    ;({ app, heard } = await startOverheard())
  })
  after(() => app.close())

  it('end in MongoDB, too, when nobody waits for them any more', async () => {
    for (const operation of [...reads, ...operations.filter(isGuarded)]) {
      if (operation.path.endsWith('stream') || isErasing(operation)) continue
      await (await send(app, operation, as.admin)).text()
    }
    const asked = heard.filter(({ name }) => name === 'find' || name === 'aggregate')
    assert.ok(asked.length > reads.length, String(asked.length))
    for (const { body } of asked) {
      const limit = Number(body.maxTimeMS)
      // An export goes through all there is of a person, batch by batch, and ends when its client leaves.
      const most = body.batchSize === undefined ? 5_000 : 120_000
      assert.ok(limit > 0 && limit <= most, JSON.stringify(body))
    }
  })
})

describe('a read that takes too long', () => {
  it('is ended by MongoDB, and the database counts as away', async () => {
    const database = await freshDatabase()
    const store = createStore(database.connection, systemClock, 200)
    const logs = store.db.collection(usageLogModel(database.connection))
    await database.connection.collection('usage_logs').insertOne({ any: 1 })
    const endless = logs.find({ $where: 'sleep(60000) || true' }).toArray()
    const began = performance.now()
    await assert.rejects(store.db.within(endless, 10_000), { code: 'store_unavailable' })
    assert.ok(performance.now() - began < 5_000)
    await database.drop()
  })
})
