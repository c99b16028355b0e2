import assert from 'node:assert/strict'
import type { UsageEvent } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'
import { listenIn, monitored } from '../security/commands.js'

const completion = payload('openai-chat/completion.json')

interface Problem {
  type: string
  status: number
  code: string
  violated_policies: {
    name: string
    metric: string
    limit: number
    used: number
    resets_at: string
  }[]
}

describe('a plan, over HTTP', () => {
  let app: TestApp
  before(async () => {
    app = await startApp(
      (host) => {
        host.post('/ai/chat', (_req, res) => res.type('json').send(completion))
        host.set('env', 'test')
        host.post('/ai/summarize', () => {
          throw new Error('no')
        })
        host.post('/ai/qa', (_req, res) => res.status(500).json({ error: 'no' }))
      },
      {
        plans: {
          free: { limits: [] },
          three: { limits: [{ name: 'daily', metric: 'requests', window: 'day', limit: 3 }] },
          tokens: { limits: [{ name: 'month', metric: 'tokens', window: 'month', limit: 2_000 }] },
          soft: {
            limits: [
              { name: 'day', metric: 'requests', window: 'day', limit: 1, enforcement: 'soft' },
            ],
          },
          alone: { concurrency: 1, limits: [] },
        },
      },
      monitored,
    )
  })
  after(() => app.close())

  const ask = (user: string, tier: string, path = '/ai/chat') =>
    fetch(`${app.url}${path}`, { method: 'POST', headers: bearer(user, { tier }) })
  const events = async (user_id: string) => {
    await app.usage.flush()
    const logs = app.database.connection.collection<UsageEvent>('usage_logs')
    return logs.find({ user_id }).sort({ timestamp: 1 }).toArray()
  }

  it('lets through what fits, and refuses the rest with a problem that says when to come back', async () => {
    for (const left of [2, 1, 0]) {
      const response = await ask('ann', 'three')
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('ratelimit-policy'), '"daily";q=3;w=86400')
      assert.match(
        response.headers.get('ratelimit') ?? '',
        new RegExp(`^"daily";r=${left};t=\\d+$`),
      )
      await response.arrayBuffer()
    }
    const refused = await ask('ann', 'three')
    assert.equal(refused.status, 429)
    assert.match(refused.headers.get('content-type') ?? '', /^application\/problem\+json/)
    const retryAfter = Number(refused.headers.get('retry-after'))
    const left = Number(/t=(\d+)/.exec(refused.headers.get('ratelimit') ?? '')?.[1])
    assert.ok(retryAfter >= left && retryAfter <= left + 6, `${retryAfter} s, ${left} s left`)
    const problem = (await refused.json()) as Problem
    assert.equal(problem.type, 'https://iana.org/assignments/http-problem-types#quota-exceeded')
    assert.equal(problem.code, 'quota_exceeded')
    const [policy, ...more] = problem.violated_policies
    assert.equal(more.length, 0)
    assert.equal(policy?.name, 'daily')
    assert.equal(policy.limit, 3)
    assert.equal(policy.used, 3)
    assert.ok(Date.parse(policy.resets_at) > Date.now())
  })

  it('spreads over some seconds when those come back who wait for one window', async () => {
    const times = new Set<string | null>()
    for (let time = 0; time < 20; time++)
      times.add((await ask('ann', 'three')).headers.get('retry-after'))
    assert.ok(times.size > 1)
  })

  it('records the refused as blocked, without usage', async () => {
    const last = (await events('ann')).at(-1)
    assert.equal(last?.status, 'blocked')
    assert.equal(last.status_code, 429)
    assert.equal(last.error_type, 'quota_exceeded')
    assert.equal(last.tokens_used, 0)
    assert.equal(last.token_source, 'none')
  })

  it('lets tokens begin as long as what is settled leaves room', async () => {
    for (const used of [0, 1_163]) {
      const response = await ask('bea', 'tokens')
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('x-ratelimit-limit-tokens'), '2000')
      assert.equal(response.headers.get('x-ratelimit-remaining-tokens'), String(2_000 - used))
      await response.arrayBuffer()
      await app.usage.flush()
    }
    assert.equal((await ask('bea', 'tokens')).status, 429)
  })

  it('gives back what failed without using anything', async () => {
    for (let index = 0; index < 5; index++) {
      assert.equal((await ask('cid', 'three', '/ai/qa')).status, 500)
      await app.usage.flush()
    }
    assert.equal((await ask('cid', 'three')).status, 200)
  })

  it('gives back what Express answers with its own error page, and counts no tokens for it', async () => {
    for (const path of ['/ai/summarize', '/ai/mindmap']) {
      for (let index = 0; index < 4; index++) {
        const { status, headers } = await ask('fay', 'three', path)
        assert.equal(status, path === '/ai/mindmap' ? 404 : 500)
        assert.match(headers.get('content-type') ?? '', /^text\/html/)
        await app.usage.flush()
      }
    }
    for (const { tokens_used, token_source } of await events('fay'))
      assert.deepEqual([tokens_used, token_source], [0, 'none'])
    assert.equal((await ask('fay', 'three')).status, 200)
  })

  it('only says so where a limit is soft', async () => {
    assert.equal((await ask('dan', 'soft')).status, 200)
    const beyond = await ask('dan', 'soft')
    assert.equal(beyond.status, 200)
    assert.match(beyond.headers.get('ratelimit') ?? '', /^"day";r=0/)
  })

  it('asks nobody where nothing is limited', async () => {
    const heard = listenIn(app.database.connection)
    const response = await ask('eve', 'free')
    assert.equal(response.status, 200)
    await app.usage.flush()
    assert.ok(heard.some(({ body }) => Object.values(body).includes('usage_logs')))
    // Of others something may be said still.
    const counted = heard.filter(({ body }) => Object.values(body).includes('usage_counters'))
    assert.ok(!JSON.stringify(counted).includes('user:eve'))
    assert.equal(response.headers.get('ratelimit-policy'), null)
    const counters = app.database.connection.collection('usage_counters')
    assert.equal(await counters.countDocuments({ _id: 'user:eve' as never }), 0)
  })
})
