import assert from 'node:assert/strict'
import { MongoMemoryServer } from 'mongodb-memory-server'
import { freshDatabase, mongodArgs, testMongod } from '../helpers/mongo.js'
import { startTcpProxy } from '../helpers/tcp-proxy.js'
import { until } from '../helpers/until.js'
import { startHost } from './host.js'

/** What an app says at warning level. */
function listener() {
  const warnings: string[] = []
  const logger = {
    info: () => undefined,
    warn: (line: string) => void warnings.push(line),
    error: () => undefined,
  }
  return { warnings, logger }
}

describe('an app that connects to MongoDB', function () {
  this.timeout(60_000)

  it('is told once what does not hold on a server alone, and works', async () => {
    const server = await MongoMemoryServer.create({
      binary: await testMongod(),
      instance: { storageEngine: 'wiredTiger', args: mongodArgs },
    })
    const { warnings, logger } = listener()
    const host = await startHost(server.getUri('alone'), { logger })
    try {
      await host.usage.ready()
      await host.usage.ready()
      assert.equal((await host.chat('alice')).isDegraded, false)
      await host.usage.flush()
      const { total_tokens } = await host.admin<{ total_tokens: number }>('/user/alice')
      assert.equal(total_tokens, 100)
      const about = warnings.filter((line) => line.includes('standalone'))
      assert.equal(about.length, 1)
      assert.match(String(about), /--replSet/)
    } finally {
      await host.close()
      await server.stop()
    }
  })

  it('is told nothing of the kind by a replica set', async () => {
    const database = await freshDatabase()
    const { warnings, logger } = listener()
    const host = await startHost(database.uri, { logger })
    await host.usage.ready()
    await host.close()
    await database.drop()
    assert.deepEqual(warnings, [])
  })

  it('connects by itself when MongoDB comes later, and loses nothing', async () => {
    const database = await freshDatabase()
    const target = new URL(database.uri)
    const proxy = await startTcpProxy(Number(target.port))
    proxy.cut()
    target.port = String(proxy.port)
    target.searchParams.set('directConnection', 'true')
    const { warnings, logger } = listener()
    const host = await startHost(target.href, { logger })
    try {
      assert.equal((await host.chat('alice')).status, 200)
      await assert.rejects(host.usage.ready())
      proxy.mend()
      const log = database.connection.collection('usage_logs')
      await until(async () => (await log.countDocuments()) === 1, 20_000)
      await host.usage.ready()
      const told = warnings.filter((line) => line.includes('cannot be reached'))
      assert.equal(told.length, 1, warnings.join('\n'))
    } finally {
      await host.close()
      await proxy.close()
      await database.drop()
    }
  })
})
