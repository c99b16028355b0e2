import assert from 'node:assert/strict'
import type { UsageOptions } from '../../src/index.js'
import { ApiRate } from '../../src/api-rate.js'
import { parseOptions } from '../../src/options.js'
import { isGuarded, named, operations } from '../contract/spec.js'
import { as, ask, fits, pathOf } from '../contract/world.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

describe('the rate limit of the HTTP API', () => {
  let app: TestApp
  let elapsed = 0
  const clock = { now: () => Date.now(), elapsed: () => elapsed }
  const start = async (apiRateLimit: UsageOptions['apiRateLimit']) => {
    app = await startApp(() => undefined, { apiRateLimit, clock })
  }
  afterEach(() => app.close())

  const get = (path: string, headers: Record<string, string>) => ask(app, 'GET', path, headers)
  const statuses = async (count: number, path: string, headers: Record<string, string>) => {
    const found: number[] = []
    for (let i = 0; i < count; i++) found.push((await get(path, headers)).status)
    return found
  }

  it('lets 300 requests a minute through by default, and refuses the next', async () => {
    await start(undefined)
    const alice = bearer('alice')
    const answers = await Promise.all(
      Array.from({ length: 310 }, async () => {
        const response = await get('/me/quota', alice)
        await response.text()
        return response.status
      }),
    )
    assert.equal(answers.filter((status) => status === 200).length, 300)
    assert.equal(answers.filter((status) => status === 429).length, 10)
  })

  it('says when to come back, and keeps its word', async () => {
    await start({ perMinute: 2 })
    assert.deepEqual(await statuses(2, '/me', as.user), [200, 200])
    elapsed += 18_500
    const refused = await get('/me', as.user)
    assert.equal(refused.headers.get('retry-after'), '42')
    const problem = (await fits(refused, named('getOwnUsage'), 429)) as { code: string }
    assert.equal(problem.code, 'rate_limited')
    elapsed += 41_499
    assert.equal((await get('/me', as.user)).status, 429)
    elapsed += 1
    assert.equal((await get('/me', as.user)).status, 200)
  })

  it('counts a user over all tokens and routes, and others apart', async () => {
    await start({ perMinute: 2 })
    assert.deepEqual(await statuses(1, '/me', bearer('alice', { tier: 'pro' })), [200])
    assert.deepEqual(await statuses(2, '/me/logs', bearer('alice', { org: 'x' })), [200, 429])
    assert.deepEqual(await statuses(1, '/me', bearer('bob')), [200])
    assert.deepEqual(await statuses(3, '/users', as.admin), [200, 200, 429])
  })

  it('holds on every route of callers and admins', async () => {
    await start({ perMinute: 1 })
    for (const operation of operations.filter(isGuarded)) {
      if (!['caller', 'admin'].includes(operation.tags[0])) continue
      const who = bearer(operation.operationId, { role: 'admin' })
      assert.equal((await get('/me/quota', who)).status, 200)
      const response = await ask(app, operation.method, pathOf(operation), who)
      await fits(response, operation, 429)
    }
  })

  it('costs nobody who is not let in anything', async () => {
    await start({ perMinute: 1 })
    assert.deepEqual(await statuses(3, '/users', as.user), [403, 403, 403])
    assert.deepEqual(await statuses(2, '/me', { authorization: 'Bearer x' }), [401, 401])
    assert.deepEqual(await statuses(1, '/me', as.user), [200])
  })

  it('holds back neither machines nor events', async () => {
    await start({ perMinute: 1 })
    assert.deepEqual(await statuses(2, '/me', as.admin), [200, 429])
    for (const path of ['/health', '/livez', '/readyz', '/metrics', '/docs', '/openapi.yaml']) {
      assert.deepEqual(await statuses(3, path, as.admin), [200, 200, 200], path)
    }
    for (const id of ['a', 'b', 'c']) {
      const event = JSON.stringify([{ id, user_id: 'alice', operation_type: 'chat' }])
      const headers = { ...as.admin, 'content-type': 'application/json' }
      assert.equal((await ask(app, 'POST', '/events', headers, event)).status, 202)
    }
  })

  it('is switched off by false', async () => {
    await start(false)
    const answers = await Promise.all(
      Array.from({ length: 320 }, async () => (await get('/me/quota', as.user)).status),
    )
    assert.deepEqual(new Set(answers), new Set([200]))
  })
})

describe('option apiRateLimit', () => {
  it('is checked like the others', () => {
    for (const apiRateLimit of [true, 300, { perMinute: 0 }, { perMinute: 1.5 }, { perHour: 1 }]) {
      const options = { mongoUri: 'mongodb://127.0.0.1', identify: () => undefined, apiRateLimit }
      assert.throws(() => parseOptions(options as UsageOptions, true), {
        code: 'invalid_option',
        message: /^apiRateLimit/,
      })
    }
  })

  it('remembers 10,000 users and forgets those who asked longest ago', () => {
    const rate = new ApiRate(1, { now: () => 0, elapsed: () => 0 })
    for (let i = 0; i < 10_000; i++) assert.equal(rate.take(`user ${i}`), 0)
    assert.equal(rate.take('user 0'), 60)
    for (let i = 10_000; i < 19_999; i++) assert.equal(rate.take(`user ${i}`), 0)
    assert.equal(rate.take('user 0'), 60)
    assert.equal(rate.take('user 1'), 0)
  })
})
