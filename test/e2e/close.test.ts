import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Express } from 'express'
import type { UsageEvent } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

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
