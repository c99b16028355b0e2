import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

describe('a host whose tests fake the timers', () => {
  let app: TestApp
  before(async () => {
    app = await startApp((host) => {
      host.post('/ai/chat', (_req, res) => void res.json({ reply: 'Yes.' }))
    })
    await app.usage.ready()
  })
  after(() => app.close())
  afterEach(() => mock.restoreAll())

  it('has its requests answered and recorded all the same', async () => {
    // What test frameworks put there only begins when they say so.
    const never = (() => ({ unref: () => undefined })) as never
    mock.method(globalThis, 'setImmediate', never)
    mock.method(globalThis, 'setTimeout', never)
    mock.method(globalThis, 'setInterval', never)
    const response = await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('alice') })
    assert.deepEqual(await response.json(), { reply: 'Yes.' })
    mock.restoreAll()
    await app.usage.flush()
    assert.equal(await app.database.connection.collection('usage_logs').countDocuments(), 1)
  })
})
