import assert from 'node:assert/strict'
import type { UsageEvent } from '../../src/index.js'
import { bearer, startApp } from '../helpers/app.js'

describe('closing an app', () => {
  it('stores an operation whose tokens are being counted, as an estimate where that takes too long', async () => {
    const reply = 'A tokeniser that has to be loaded first takes longer than this. '.repeat(200)
    const app = await startApp((host) => {
      host.post('/ai/chat', (_req, res) => void res.json({ reply }))
    })
    await app.usage.ready()
    const headers = bearer('alice')
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers })).text()
    const report = await app.usage.close({ deadlineMs: 300 })
    const found = await app.database.connection
      .collection<UsageEvent>('usage_logs')
      .find()
      .toArray()
    assert.deepEqual(report, { flushed: true, left_in_spool: 0 })
    assert.deepEqual(
      found.map(({ user_id, status, tokens_used }) => [user_id, status, tokens_used > 0]),
      [['alice', 'ok', true]],
    )
    await app.close()
  })
})
