import assert from 'node:assert/strict'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

describe('metadata of which no key is allowed', function () {
  this.timeout(20_000)
  let app: TestApp
  before(async () => {
    app = await startApp(
      (host, usage) => {
        host.post('/ai/chat', (req, res) => {
          usage.annotate(req, { metadata: { colour: 'blue' }, input_tokens: 1, output_tokens: 1 })
          res.json({ ok: true })
        })
      },
      { metadata: ['team'] },
    )
  })
  after(() => app.close())

  it('is absent, of events as of requests', async () => {
    const job = { user_id: 'ann', operation_type: 'chat' }
    await app.usage.record({ ...job, metadata: { colour: 'blue' } })
    await app.usage.record({ ...job, metadata: {} })
    await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('ann') })
    await app.usage.flush()
    const { data } = await app.admin<{ data: object[] }>('/logs')
    assert.equal(data.length, 3)
    for (const log of data) assert.ok(!('metadata' in log), JSON.stringify(log))
  })
})
