import assert from 'node:assert/strict'
import request from 'supertest'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

const admin = bearer('root', { role: 'admin' })
const service = bearer('worker', { role: 'service' })
const user = bearer('alice')

describe('who may ask what', () => {
  let app: TestApp
  before(async () => {
    app = await startApp(() => undefined)
  })
  after(() => app.close())

  const table = [
    ['/me', { nobody: 401, user: 200, service: 403, admin: 200 }],
    ['/me/logs', { nobody: 401, user: 200, service: 403, admin: 200 }],
    ['/user/alice', { nobody: 401, user: 403, service: 403, admin: 200 }],
    ['/user/no-such-user', { nobody: 401, user: 403, service: 403, admin: 200 }],
    ['/users', { nobody: 401, user: 403, service: 403, admin: 200 }],
    ['/global', { nobody: 401, user: 403, service: 403, admin: 200 }],
    ['/realtime', { nobody: 401, user: 403, service: 403, admin: 200 }],
    ['/realtime/stream', { nobody: 401, user: 403, service: 403 }],
    ['/audit', { nobody: 401, user: 403, service: 403, admin: 200 }],
    ['/logs', { nobody: 401, user: 403, service: 403, admin: 200 }],
    ['/health', { nobody: 200, user: 200, service: 200, admin: 200 }],
    ['/livez', { nobody: 200 }],
    ['/readyz', { nobody: 200 }],
    ['/docs', { nobody: 200 }],
    ['/openapi.yaml', { nobody: 200 }],
  ] as const
  const headers = { nobody: {}, user, service, admin }

  for (const [path, statuses] of table) {
    for (const [who, status] of Object.entries(statuses)) {
      it(`answers ${status} to ${who} on ${path}`, async () => {
        const response = await request(app.url)
          .get(`/ai/usage${path}`)
          .set(headers[who as keyof typeof headers])
        assert.equal(response.status, status)
        if (status === 401) assert.match(response.headers['www-authenticate'] ?? '', /^Bearer/)
        if (status >= 400) assert.equal(response.type, 'application/problem+json')
      })
    }
  }

  it('gives users the same 403 whether or not the other exists', async () => {
    const bodies = await Promise.all(
      ['alice', 'nobody-at-all'].map(async (id) => {
        const response = await request(app.url).get(`/ai/usage/user/${id}`).set(user)
        return response.body as unknown
      }),
    )
    assert.deepEqual(bodies[0], bodies[1])
  })

  it('names the methods that a route has', async () => {
    const response = await request(app.url).put('/ai/usage/me').set(user)
    assert.equal(response.status, 405)
    assert.equal(response.headers.allow, 'GET, HEAD')
    assert.equal((await request(app.url).get('/ai/usage/events').set(admin)).status, 405)
  })

  it('says what is not there', async () => {
    const response = await request(app.url).get('/ai/usage/nowhere')
    assert.equal(response.status, 404)
    assert.equal((response.body as { code: string }).code, 'not_found')
  })
})

describe('POST /events', () => {
  let app: TestApp
  before(async () => {
    app = await startApp(() => undefined, { metadata: ['feature'] })
  })
  after(() => app.close())

  const post = (events: unknown) =>
    request(app.url)
      .post('/ai/usage/events')
      .set(service)
      .send(events as object)
  const event = (id: string, more: object = {}) => ({
    id,
    user_id: 'batch-user',
    operation_type: 'embed',
    input_tokens: 10,
    output_tokens: 5,
    ...more,
  })

  it('takes events once per id, and tells repeats from conflicts', async () => {
    const first = await post([event('a'), event('b'), event('a')])
    assert.equal(first.status, 202)
    assert.deepEqual(first.body, { accepted: 2, duplicates: 1, rejected: [] })
    await app.usage.flush()
    const again = await post({ events: [event('b'), event('a', { output_tokens: 6 })] })
    assert.equal((again.body as { duplicates: number }).duplicates, 1)
    const [rejected] = (again.body as { rejected: { index: number; code: string }[] }).rejected
    assert.equal(rejected?.index, 1)
    assert.equal(rejected.code, 'conflict')
    const me = await app.admin<{ total_tokens: number }>('/user/batch-user')
    assert.equal(me.total_tokens, 30)
  })

  it('remembers ids in the log, not only in memory', async () => {
    await post([event('kept')])
    await app.usage.flush()
    const other = await startApp(() => undefined, { connection: app.database.connection })
    const answer = await request(other.url)
      .post('/ai/usage/events')
      .set(service)
      .send([event('kept')])
    assert.deepEqual(answer.body, { accepted: 0, duplicates: 1, rejected: [] })
    await other.close()
  })

  it('names what is wrong with each, and takes the others', async () => {
    const response = await post([
      event('good'),
      event('negative', { input_tokens: -1 }),
      event('ancient', { timestamp: '2020-01-01T00:00:00Z' }),
      { ...event('strange'), prompt: 'text' },
      event('nan', { output_tokens: 'NaN' }),
      'not an object',
      event('', {}),
    ])
    const answer = response.body as {
      accepted: number
      rejected: { index: number; code: string }[]
    }
    assert.equal(answer.accepted, 1)
    assert.deepEqual(
      answer.rejected.map(({ index }) => index),
      [1, 2, 3, 4, 5, 6],
    )
    assert.ok(answer.rejected.every(({ code }) => code === 'invalid_event'))
  })

  it('refuses users, too many events and what is no list', async () => {
    assert.equal((await request(app.url).post('/ai/usage/events').set(user).send([])).status, 403)
    assert.equal((await post([])).status, 400)
    assert.equal((await post({ event: 1 })).status, 400)
    const many = Array.from({ length: 1001 }, (_, i) => event(`m${i}`))
    assert.equal((await post(many)).status, 413)
  })

  it('keeps only allow-listed metadata', async () => {
    await post([event('meta', { metadata: { feature: 'x', secret: 'y' } })])
    await app.usage.flush()
    const doc = await app.database.connection
      .collection('usage_logs')
      .findOne({ client_request_id: 'meta' })
    assert.deepEqual(doc?.metadata, { feature: 'x' })
  })
})
