import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Express } from 'express'
import { createUsage, type UsageEvent } from '../../src/index.js'
import { bearer, secret, startApp, type TestApp } from '../helpers/app.js'
import { freshDatabase } from '../helpers/mongo.js'
import { quiet } from '../helpers/quiet.js'
import { startTcpProxy } from '../helpers/tcp-proxy.js'

describe('closing an app', () => {
  let app: TestApp
  afterEach(() => app.close())

  it('stores an operation whose tokens are being counted, as an estimate where that takes too long', async () => {
    // Takes several seconds to count.
    const reply = randomBytes(2_000_000).toString('base64')
    const mount = (host: Express) => host.post('/ai/chat', (_req, res) => void res.json({ reply }))
    app = await startApp(mount, { capture: { maxBodyBytes: 4_000_000 } })
    await app.usage.ready()
    const headers = bearer('alice')
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers })).text()
    const began = performance.now()
    const report = await app.usage.close({ deadlineMs: 2_000 })
    assert.ok(performance.now() - began > 1_000, 'it waited for the count')
    const found = await app.database.connection
      .collection<UsageEvent>('usage_logs')
      .find()
      .toArray()
    assert.deepEqual(report, { flushed: true, left_in_spool: 0 })
    assert.deepEqual(
      found.map(({ user_id, status, token_source }) => [user_id, status, token_source]),
      [['alice', 'ok', 'estimate']],
    )
  })
})

describe('flushing often at once', () => {
  it('warns of no leak', async () => {
    const app = await startApp(() => undefined)
    const warnings: string[] = []
    const note = ({ name }: Error) => warnings.push(name)
    process.on('warning', note)
    await Promise.all(Array.from({ length: 30 }, () => app.usage.flush()))
    await setImmediate()
    process.off('warning', note)
    await app.close()
    assert.deepEqual(warnings, [])
  })
})

describe('flushing while MongoDB is cut off', () => {
  it('ends with the meter, saying so', async () => {
    const database = await freshDatabase()
    const proxy = await startTcpProxy(Number(new URL(database.uri).port))
    const mongoUri = `mongodb://127.0.0.1:${proxy.port}/${database.name}?directConnection=true`
    const auth = { secret, algorithms: ['HS256' as const] }
    const dir = await mkdtemp(join(tmpdir(), 'close-test-'))
    const usage = createUsage({ mongoUri, auth, logger: quiet, spool: { dir } })
    await usage.ready()
    const job = { user_id: 'ann', operation_type: 'job', input_tokens: 1, output_tokens: 1 }
    await usage.record(job)
    await usage.flush()
    proxy.cut()
    await usage.record(job)
    const flushed = assert.rejects(usage.flush(), { code: 'closed' })
    const report = await usage.close({ deadlineMs: 500 })
    assert.deepEqual(report, { flushed: false, left_in_spool: 1 })
    await flushed
    await assert.rejects(usage.flush(), { code: 'closed' })
    await proxy.close()
    await database.drop()
    await rm(dir, { recursive: true })
  })

  it('is over where there was nothing to flush', async () => {
    const app = await startApp(() => undefined)
    await app.usage.close()
    await app.usage.flush()
    await app.close()
  })
})
