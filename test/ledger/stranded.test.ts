import assert from 'node:assert/strict'
import { createUsage } from '../../src/index.js'
import { secret } from '../helpers/app.js'
import { freshDatabase } from '../helpers/mongo.js'
import { quiet as logger } from '../helpers/quiet.js'
import { startTcpProxy } from '../helpers/tcp-proxy.js'

const job = { user_id: 'ann', operation_type: 'job', input_tokens: 5, output_tokens: 6 }

describe('a batch on a connection that has died without a word', function () {
  this.timeout(30_000)

  it('goes over another one in seconds, once, and so does all behind it', async () => {
    const database = await freshDatabase()
    const proxy = await startTcpProxy(Number(new URL(database.uri).port))
    const mongoUri = `mongodb://127.0.0.1:${proxy.port}/${database.name}?directConnection=true`
    const auth = { secret, algorithms: ['HS256' as const] }
    const usage = createUsage({ mongoUri, auth, logger, rollup: { enabled: false } })
    try {
      await usage.ready()
      await usage.record(job)
      await usage.flush()

      proxy.strand('stranded-job')
      const began = performance.now()
      await usage.record({ ...job, operation_type: 'stranded-job' })
      await usage.record(job)
      await usage.flush()
      const tookMs = performance.now() - began
      assert.ok(tookMs > 4_000 && tookMs < 12_000, `${Math.round(tookMs)} ms`)
      const logs = database.connection.collection('usage_logs')
      assert.equal(await logs.countDocuments({}), 3)
    } finally {
      await usage.close()
      await proxy.close()
      await database.drop()
    }
  })
})
