import assert from 'node:assert/strict'
import mongoose from 'mongoose'
import { systemClock } from '../../src/clock.js'
import { poolBounds } from '../../src/store/pools.js'
import { createStore } from '../../src/store/store.js'
import { shardKeysOf } from '../store/sharding.js'
import { code, document, table } from './documents.js'
import { shardCommands } from './scaling.js'

const scaling = document('docs/scaling.md')

describe('docs/scaling.md', () => {
  it('shards the collections by the keys that writes name, and no others', async () => {
    const connection = mongoose.createConnection()
    createStore(connection, systemClock)
    const documented = shardCommands('ai_usage').map(({ collection, key }) => [collection, key])
    assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(shardKeysOf(connection)))
    for (const [name, key] of shardKeysOf(connection)) {
      const command = documented.find(([collection]) => collection === name)?.[1]
      assert.deepEqual(Object.keys(Object(command) as object), Object.keys(key), name)
    }
    await connection.close()
  })

  it('gives the bounds that connections have', () => {
    const seconds = (ms: number) => `${ms / 1000} s`
    const rows = table(scaling, '`appName`').map(([name, , size, wait, silence]) => [
      ...[code(name), size, wait, silence],
    ])
    const actual = Object.entries(poolBounds).map(([name, bounds]) => [
      ...[`express-ai-usage-${name}`, String(bounds.maxPoolSize)],
      ...[seconds(bounds.waitQueueTimeoutMS), seconds(bounds.socketTimeoutMS)],
    ])
    assert.deepEqual(rows, actual)
  })
})
