import assert from 'node:assert/strict'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import type { UsageOptions } from '../../src/index.js'

const requests = (name: string, limit: number) => {
  return { name, metric: 'requests', window: 'day', limit } as const
}
const options = {
  plans: {
    free: { limits: [requests('user-day', 4)] },
    team: { limits: [requests('org-day', 6)] },
    house: { limits: [requests('all-day', 9)] },
  },
  orgPlan: 'team',
  globalPlan: 'house',
} satisfies Partial<UsageOptions>

describe('limits of user, organisation and all', function () {
  this.timeout(20_000)
  let app: TestApp
  const mount: Parameters<typeof startApp>[0] = (host) => {
    host.post('/ai/chat', (req, res) => {
      if (req.query.fail === undefined) res.json({ ok: true })
      else res.status(500).json({ error: {} })
    })
  }
  beforeEach(async () => {
    app = await startApp(mount, options)
  })
  afterEach(() => app.close())

  const ask = async (user: string, org?: string, query = '') => {
    const headers = bearer(user, org === undefined ? {} : { org })
    const response = await fetch(`${app.url}/ai/chat${query}`, { method: 'POST', headers })
    const body = (await response.json()) as { violated_policies?: { name: string }[] }
    return { status: response.status, violated: body.violated_policies?.map(({ name }) => name) }
  }
  const all = (asked: Promise<{ status: number }>[]) =>
    Promise.all(asked).then((answers) => answers.filter(({ status }) => status === 200).length)
  const used = async (user: string) => {
    const { limits } = await app.as<{ limits: { used: number; held: number }[] }>(user, '/me/quota')
    return limits.map((one) => one.used + one.held)
  }

  it('must all have room', async () => {
    assert.equal(await all(Array.from({ length: 10 }, () => ask('alice', 'acme'))), 4)
    assert.deepEqual((await ask('alice', 'acme')).violated, ['user-day'])
    assert.equal(await all(Array.from({ length: 10 }, () => ask('bob', 'acme'))), 2)
    assert.deepEqual((await ask('bob', 'acme')).violated, ['org-day'])
    assert.equal(await all(Array.from({ length: 10 }, () => ask('carol', 'other'))), 3)
    assert.deepEqual((await ask('carol', 'other')).violated, ['all-day'])
    assert.deepEqual((await ask('dave')).violated, ['all-day'])
  })

  it('take nothing from a user whom another level refuses', async () => {
    await all(Array.from({ length: 4 }, () => ask('alice', 'acme')))
    await all(Array.from({ length: 10 }, () => ask('bob', 'acme')))
    assert.deepEqual(await used('bob'), [2])
  })

  it('are given back at every level by what fails without usage', async () => {
    for (let index = 0; index < 20; index++) {
      assert.equal((await ask('alice', 'acme', '?fail')).status, 500)
    }
    assert.equal(await all(Array.from({ length: 10 }, () => ask('alice', 'acme'))), 4)
  })

  it('count what is recorded from outside', async () => {
    for (let index = 0; index < 6; index++) {
      await app.usage.record({ user_id: `u${index}`, org_id: 'acme', operation_type: 'chat' })
    }
    assert.deepEqual((await ask('alice', 'acme')).violated, ['org-day'])
    assert.equal((await ask('alice', 'other')).status, 200)
  })

  it('are refused at construction when there is no such plan', async () => {
    await assert.rejects(startApp(mount, { orgPlan: 'nothing' }), /orgPlan must be one of/)
  })
})
