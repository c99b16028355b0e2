import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { createUsage } from '../../src/index.js'
import { bearer, secret, startApp, type TestApp } from '../helpers/app.js'

interface PriceJson {
  price_id: string
  [field: string]: unknown
}

const admin = bearer('root', { role: 'admin' })
const base = { model: 'house-1', input_usd_per_million: 3, output_usd_per_million: 15 }

describe('prices by HTTP', function () {
  this.timeout(20_000)
  let app: TestApp
  let ahead = 0
  const clock = { now: () => systemClock.now(), elapsed: () => systemClock.elapsed() + ahead }
  const send = async (method: string, path: string, body?: unknown, headers = admin) => {
    const response = await fetch(`${app.url}/ai/usage/prices${path}`, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as PriceJson }
  }
  const create = async (more: object = {}) => {
    const { status, body } = await send('POST', '', { ...base, ...more })
    assert.equal(status, 201, JSON.stringify(body))
    return body
  }
  const audit = () =>
    app.database.connection.collection('usage_audit').find().sort({ _id: 1 }).toArray()
  const costOf = async (usage: TestApp['usage'], model: string, id: string) => {
    const tokens = { input_tokens: 1000, output_tokens: 500 }
    await usage.record({ id, user_id: 'alice', operation_type: 'chat', model, ...tokens })
    await usage.flush()
    const logs = app.database.connection.collection('usage_logs')
    const found = await logs.findOne({ client_request_id: id })
    return { cost: found?.cost_nano_usd as unknown, source: found?.cost_source as unknown }
  }

  beforeEach(async () => {
    ahead = 0
    app = await startApp(() => undefined, { clock })
  })
  afterEach(() => app.close())

  it('are shown as they were given, and hold from now on unless they say otherwise', async () => {
    const before = Date.now()
    const made = await create({ cache_read_usd_per_million: 0.1, provider: 'acme', note: 'list' })
    const { price_id, effective_from, created_at, updated_at, ...shown } = made
    assert.match(price_id, /^[0-9a-f-]{36}$/)
    assert.ok(Math.abs(Date.parse(String(effective_from)) - before) < 5_000)
    assert.equal(created_at, updated_at)
    assert.deepEqual(shown, {
      ...{ ...base, cache_read_usd_per_million: 0.1, provider: 'acme', note: 'list' },
      ...{ created_by: 'root', updated_by: 'root' },
    })
    const listed = await app.admin<{ data: PriceJson[] }>('/prices?model=house-1&provider=acme')
    assert.deepEqual(listed.data, [made])
    assert.deepEqual((await app.admin<{ data: PriceJson[] }>('/prices?model=other')).data, [])
    const stored = await app.database.connection.collection('usage_prices').findOne({})
    const [price] = stored?.prices as Record<string, unknown>[]
    assert.equal(price?.cache_read_nano_usd_per_million, 100_000_000)
  })

  it('name sound, images, reasoning, searches and requests too, and can stop naming them', async () => {
    const rates = {
      ...{ reasoning_usd_per_million: 20, input_audio_usd_per_million: 40 },
      ...{ input_image_usd_per_million: 5, output_audio_usd_per_million: 80 },
      ...{ output_image_usd_per_million: 30, cache_read_audio_usd_per_million: 4 },
      ...{ cache_read_image_usd_per_million: 0.5, request_usd_per_thousand: 0.000001 },
      ...{ web_search_usd_per_thousand: 10, file_search_usd_per_thousand: 2.5 },
    }
    const { price_id, ...made } = await create(rates)
    for (const [field, usd] of Object.entries(rates)) assert.equal(made[field], usd, field)
    const names = Object.fromEntries(Object.keys(rates).map((field) => [field, null]))
    const { status, body } = await send('PATCH', `/${price_id}`, names)
    assert.equal(status, 200)
    for (const field of Object.keys(rates)) assert.ok(!(field in body), field)
    const wrong = await send('POST', '', { ...base, web_search_usd_per_thousand: 0.0000001 })
    assert.equal(wrong.status, 422)
    assert.match(JSON.stringify(wrong.body), /web_search_usd_per_thousand must have at most six/)
  })

  it('price the next operation of the instance that took them', async () => {
    assert.deepEqual(await costOf(app.usage, 'house-1', 'a'), { cost: null, source: undefined })
    const { price_id } = await create()
    assert.deepEqual(await costOf(app.usage, 'house-1', 'b'), {
      cost: 10_500_000,
      source: 'override',
    })
    await send('PATCH', `/${price_id}`, { input_usd_per_million: 4 })
    assert.equal((await costOf(app.usage, 'house-1', 'c')).cost, 11_500_000)
    await send('DELETE', `/${price_id}`)
    assert.equal((await costOf(app.usage, 'house-1', 'd')).cost, null)
  })

  it('are live in every other instance within ten seconds', async () => {
    const other = createUsage({
      connection: app.database.connection,
      auth: { secret, algorithms: ['HS256'] },
      rollup: { enabled: false },
      clock,
    })
    assert.equal((await costOf(other, 'house-1', 'a')).cost, null)
    const { price_id } = await create()
    ahead += 10_000
    assert.equal((await costOf(other, 'house-1', 'b')).cost, 10_500_000)
    await send('PATCH', `/${price_id}`, { output_usd_per_million: 0 })
    ahead += 10_000
    assert.equal((await costOf(other, 'house-1', 'c')).cost, 3_000_000)
    await send('DELETE', `/${price_id}`)
    ahead += 10_000
    assert.equal((await costOf(other, 'house-1', 'd')).cost, null)
    await other.close()
  })

  it('are audited: who, when, before and after', async () => {
    const made = await create()
    const { price_id } = made
    await send('PATCH', `/${price_id}`, { note: 'new', effective_to: '2100-01-01' })
    await send('DELETE', `/${price_id}`)
    const entries = await audit()
    const told = entries.map(({ _id: _, at: __, before: ___, after: ____, ...rest }) => rest)
    assert.deepEqual(
      told,
      ['price.create', 'price.update', 'price.delete'].map((action) => ({
        ...{ actor: 'root', action, resource: 'price', resource_id: price_id, outcome: 'applied' },
      })),
    )
    const [first, second, third] = entries
    assert.ok(first?.at instanceof Date && !('before' in first))
    assert.deepEqual(second?.before, first.after)
    assert.equal((second?.after as { note: string }).note, 'new')
    assert.deepEqual(third?.before, second?.after)
    assert.ok(third && !('after' in third))
  })

  it('of one model, provider and service tier never overlap, however many write at once', async () => {
    const period = { effective_from: '2026-01-01', effective_to: '2026-02-01' }
    const first = await create(period)
    const clash = await send('POST', '', { ...base, effective_from: '2026-01-31T23:59:59Z' })
    assert.equal(clash.status, 409)
    assert.equal(clash.body.code, 'conflict')
    assert.equal(clash.body.price_id, first.price_id)
    await create({ effective_from: '2026-02-01' })
    await create({ ...period, provider: 'acme' })
    await create({ ...period, service_tier: 'batch' })
    assert.equal((await send('PATCH', `/${first.price_id}`, { effective_to: null })).status, 409)
    assert.equal(
      (await send('PATCH', `/${first.price_id}`, { effective_from: '2025-01-01' })).status,
      200,
    )
    const racing = await Promise.all(
      Array.from({ length: 20 }, () => send('POST', '', { ...base, model: 'raced' })),
    )
    assert.equal(racing.filter(({ status }) => status === 201).length, 1)
    assert.equal(racing.filter(({ status }) => status === 409).length, 19)
    const refused = (await audit()).filter(({ outcome }) => outcome === 'refused')
    assert.equal(refused.length, 21)
  })

  it('keep every change of those who change one at once', async () => {
    const { price_id } = await create()
    const changes = [
      { input_usd_per_million: 1 },
      { output_usd_per_million: 2 },
      { cache_read_usd_per_million: 0.5 },
      { note: 'agreed' },
    ]
    const answers = await Promise.all(changes.map((one) => send('PATCH', `/${price_id}`, one)))
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    )
    const { data } = await app.admin<{ data: PriceJson[] }>('/prices')
    for (const change of changes) assert.deepEqual({ ...data[0], ...change }, data[0])
  })

  it('lose an optional field by null', async () => {
    const { price_id } = await create({ cache_read_usd_per_million: 1, note: 'x' })
    const nothing = { cache_read_usd_per_million: null, note: null }
    const { body } = await send('PATCH', `/${price_id}`, nothing)
    assert.ok(!('cache_read_usd_per_million' in body) && !('note' in body))
  })

  it('are refused where they do not fit, field and rule named', async () => {
    const wrong: [object, string][] = [
      [{ model: undefined }, 'model'],
      [{ model: 'a*b' }, 'model'],
      [{ input_usd_per_million: '3' }, 'input_usd_per_million'],
      [{ output_usd_per_million: -1 }, 'output_usd_per_million'],
      [{ output_usd_per_million: null }, 'output_usd_per_million'],
      [{ effective_from: '2026-13-01' }, 'effective_from'],
      [{ effective_from: '2026-02-01', effective_to: '2026-02-01' }, 'effective_to'],
      [{ provider: { $ne: null } }, 'provider'],
      [{ price: 1 }, 'price'],
      [{ price_id: 'x' }, 'price_id'],
    ]
    for (const [more, field] of wrong) {
      const { status, body } = await send('POST', '', { ...base, ...more })
      assert.equal(status, 422, JSON.stringify(more))
      assert.equal(body.code, 'invalid_price')
      assert.equal(body.field, field)
    }
    for (const body of ['{', '[]', 'null', '"x"']) {
      assert.equal((await send('POST', '', body)).status, 400, body)
    }
    const { price_id } = await create()
    for (const change of [
      { model: 'other' },
      { input_usd_per_million: null },
      { effective_to: '2000-01-01' },
    ]) {
      assert.equal((await send('PATCH', `/${price_id}`, change)).status, 422)
    }
    for (const id of ['nothing', '00000000-0000-7000-8000-000000000000']) {
      assert.equal((await send('PATCH', `/${id}`, {})).status, 404)
      assert.equal((await send('DELETE', `/${id}`)).status, 404)
    }
  })

  it('are for admins only', async () => {
    for (const headers of [bearer('alice'), bearer('cron', { role: 'service' })]) {
      assert.equal((await send('GET', '', undefined, headers)).status, 403)
      assert.equal((await send('POST', '', base, headers)).status, 403)
    }
  })
})
