import assert from 'node:assert/strict'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

const plan = (window: 'hour' | 'month' | 'lifetime', limit: number) => ({
  limits: [{ name: 'all', metric: 'requests' as const, window, limit }],
})

describe('a user whose plan limited nothing, or other windows, and who is put on another', () => {
  let app: TestApp
  before(async () => {
    app = await startApp((host) => host.post('/ai/chat', (_req, res) => void res.json({ a: 1 })), {
      plans: {
        internal: { limits: [] },
        free: plan('month', 5),
        trial: plan('lifetime', 5),
        hourly: plan('hour', 5),
      },
    })
  })
  after(() => app.close())

  const chats = async (user: string, tier: string, count: number) => {
    const statuses: number[] = []
    for (let index = 0; index < count; index++) {
      const init = { method: 'POST', headers: bearer(user, { tier }) }
      const response = await fetch(`${app.url}/ai/chat`, init)
      await response.text()
      statuses.push(response.status)
    }
    return statuses
  }

  for (const [from, to] of [
    ['internal', 'free'],
    ['internal', 'trial'],
    ['internal', 'hourly'],
    ['free', 'trial'],
  ] as const) {
    it(`has used what they have used: ${from} to ${to}`, async () => {
      const user = `${from}-${to}`
      assert.deepEqual(await chats(user, from, 4), [200, 200, 200, 200])
      await app.usage.flush()
      const { status } = await app.send('PATCH', `/users/${user}`, { tier: to })
      assert.equal(status, 200)
      assert.deepEqual(await chats(user, from, 3), [200, 429, 429])
    })
  }
})
