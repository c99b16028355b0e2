import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { rollUp } from '../../src/rollup/roller.js'
import { createStore } from '../../src/store/store.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

interface Page {
  data: { user_id: string }[]
  page: { next_cursor: string | null }
}

describe('a question to the API', function () {
  this.timeout(20_000)
  let app: TestApp
  before(async () => {
    app = await startApp(() => undefined)
  })
  after(() => app.close())
  const ask = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${app.url}/ai/usage${path}`, {
      headers: { ...bearer('root', { role: 'admin' }), ...headers },
    })

  for (const path of ['/logs?user=%ff', '/users?q=%zz', '/logs?user=a%ED%A0%80', '/users?q=%C3']) {
    it(`is refused where it is no percent-encoded UTF-8: ${path}`, async () => {
      const response = await ask(path)
      const { code } = (await response.json()) as { code: string }
      assert.deepEqual([response.status, code], [400, 'invalid_parameter'])
    })
  }

  it('is answered whole, whatever its client has kept', async () => {
    for (const path of ['/me', '/livez', '/health']) {
      const response = await ask(path, { 'if-none-match': '*' })
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('etag'), null)
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
      assert.ok((await response.json()) !== undefined)
    }
  })

  it('may span 366 days, and not one more', async () => {
    const zone = '&timezone=Europe/Berlin'
    assert.equal((await ask(`/me?from=2025-07-01&to=2026-07-02${zone}`)).status, 200)
    assert.equal((await ask(`/me?from=2025-07-01&to=2026-07-03${zone}`)).status, 400)
    assert.equal((await ask('/me?from=2025-11-24&to=2026-11-25')).status, 200)
    assert.equal((await ask('/me?from=2025-11-24&to=2026-11-26')).status, 400)
  })

  it('goes on from page to page by cost, also beyond $9,007,199', async () => {
    for (const user_id of ['ann', 'bob', 'cleo']) {
      for (let job = 0; job < 11; job++) {
        await app.usage.record({ user_id, operation_type: 'chat', cost_usd: 999_999 })
      }
    }
    await app.usage.flush()
    await rollUp(createStore(app.database.connection, systemClock))
    const found: string[] = []
    let cursor = ''
    do {
      const { data, page } = await app.admin<Page>(
        `/users?sort=-total_cost&limit=1${cursor && `&cursor=${cursor}`}`,
      )
      found.push(...data.map(({ user_id }) => user_id))
      cursor = page.next_cursor ?? ''
    } while (cursor !== '')
    assert.deepEqual(found.sort(), ['ann', 'bob', 'cleo'])
  })
})
