import assert from 'node:assert/strict'
import { start as startOwnAuth } from '../../examples/existing-app-with-own-auth.js'
import { start as startExpress4 } from '../../examples/express-4.js'
import { start as startExpress5 } from '../../examples/express-5.js'
import { start as startPlans } from '../../examples/plans.js'
import { bearer, secret } from '../helpers/app.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { until } from '../helpers/until.js'

interface Answer {
  user_id: string
  subscription_tier: string
  total_operations: number
  total_tokens: number
  operations_by_type: Record<string, number>
}

async function json<T = Answer>(url: string, headers: Record<string, string>): Promise<T> {
  const response = await fetch(url, { headers })
  assert.equal(response.status, 200)
  return (await response.json()) as T
}

interface Running {
  close(): Promise<{ flushed: boolean; left_in_spool: number }>
}

/** Uses a running example and ends it, whatever happens; nothing may be left behind. */
async function using<T extends Running>(
  running: T,
  work: (app: T) => Promise<void>,
): Promise<void> {
  await work(running).catch(async (error: unknown) => {
    await running.close()
    throw error
  })
  assert.deepEqual(await running.close(), { flushed: true, left_in_spool: 0 })
}

describe('the examples', () => {
  let database: FreshDatabase
  beforeEach(async () => {
    database = await freshDatabase()
  })
  afterEach(() => database.drop())

  it('meter a chat on Express 5', async () => {
    await using(await startExpress5({ mongoUri: database.uri, secret, port: 0 }), async (app) => {
      await app.usage.ready()
      const headers = bearer('alice')
      const reply = await fetch(`${app.url}/ai/chat`, { method: 'POST', headers })
      assert.equal(reply.status, 200)
      await reply.arrayBuffer()
      await app.usage.flush()
      const me = await json(`${app.url}/ai/usage/me`, headers)
      assert.equal(me.total_tokens, 19)
      assert.deepEqual(me.operations_by_type, { chat: 1 })
      const { status } = await json<{ status: string }>(`${app.url}/health`, {})
      assert.equal(status, 'ok')
    })
  })

  it('meter an annotated operation on Express 4', async () => {
    await using(await startExpress4({ mongoUri: database.uri, secret, port: 0 }), async (app) => {
      await app.usage.ready()
      const headers = bearer('bob')
      await (await fetch(`${app.url}/ai/summarize`, { method: 'POST', headers })).arrayBuffer()
      await app.usage.flush()
      assert.equal((await json(`${app.url}/ai/usage/me`, headers)).total_tokens, 340)
      const admin = bearer('root', { role: 'admin' })
      const { data } = await json<{ data: object[] }>(`${app.url}/ai/usage/logs`, admin)
      const [{ token_source, cost_usd, metadata } = {} as Record<string, unknown>] = data as Record<
        string,
        unknown
      >[]
      assert.deepEqual(
        { token_source, cost_usd, metadata },
        { token_source: 'annotated', cost_usd: 0.0002, metadata: { feature: 'inbox' } },
      )
    })
  })

  it('meter an app that authenticates by itself, on its own connection', async () => {
    await using(await startOwnAuth({ mongoUri: database.uri, port: 0 }), async (app) => {
      await app.usage.ready()
      const ask = (cookie: string) =>
        fetch(`${app.url}/api/assistants/7/ask`, { method: 'POST', headers: { cookie } })
      const stranger = await ask('session=unknown')
      assert.equal(stranger.status, 401)
      const known = await ask('session=s-alice')
      assert.equal(known.status, 200)
      await Promise.all([stranger.arrayBuffer(), known.arrayBuffer()])
      await app.usage.flush()
      const me = await json(`${app.url}/usage/me`, { cookie: 'session=s-alice' })
      assert.equal(me.user_id, 'alice')
      assert.equal(me.subscription_tier, 'pro')
      assert.equal(me.total_tokens, 11)
      assert.deepEqual(me.operations_by_type, { ask: 1 })
      const { data } = await json<{ data: { endpoint: string }[] }>(
        `${app.url}/usage/logs?user=alice`,
        { cookie: 'session=s-root' },
      )
      assert.equal(data[0]?.endpoint, '/api/assistants/:id/ask')
    })
  })

  it('hold users to their plans, and tell who has used one up', async () => {
    const told: string[] = []
    const tell = (line: string) => void told.push(line)
    const running = await startPlans({ mongoUri: database.uri, secret, port: 0, tell })
    await using(running, async (app) => {
      await app.usage.ready()
      const chats = async (user: string, tier: string) => {
        const statuses: number[] = []
        for (let count = 0; count < 5; count++) {
          const headers = bearer(user, { tier })
          const reply = await fetch(`${app.url}/ai/chat`, { method: 'POST', headers })
          await reply.arrayBuffer()
          statuses.push(reply.status)
        }
        return statuses
      }
      assert.deepEqual(await chats('alice', 'free'), [200, 200, 200, 429, 429])
      assert.deepEqual(await chats('bob', 'pro'), [200, 200, 200, 200, 200])
      await until(() => told.length >= 2)
      assert.deepEqual(told.toSorted(), [
        'alice has used 100 % of daily',
        'alice has used up daily',
      ])
      const quota = await json<{ limits: { name: string; remaining: number }[] }>(
        `${app.url}/ai/usage/me/quota`,
        bearer('alice', { tier: 'free' }),
      )
      assert.deepEqual(
        quota.limits.map(({ name, remaining }) => [name, remaining]),
        [['daily', 0]],
      )
    })
  })
})
