import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { bearer, type TestApp } from '../helpers/app.js'
import { complaints, isGuarded, named, operations, spec, type Operation } from './spec.js'
import { as, ask, fits, pathOf, send, startWorld } from './world.js'

const realtimeStream = named('streamRealtime')
const submitEvents = named('submitEvents')
const gets = operations.filter(
  (operation) => operation.method === 'GET' && operation !== realtimeStream,
)
const guarded = operations.filter(isGuarded)
const json = { 'content-type': 'application/json' }

interface Paged {
  data: Record<string, unknown>[]
  page: { next_cursor: string | null }
}

describe('the answers of the HTTP API', () => {
  let app: TestApp
  before(async () => {
    app = await startWorld()
  })
  after(() => app.close())

  const get = async (operation: Operation, query = '', headers = as.admin, status = 200) =>
    fits(await ask(app, 'GET', pathOf(operation) + query, headers), operation, status)
  const post = async (body: unknown, headers: Record<string, string> = as.service) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return ask(app, 'POST', '/events', { ...json, ...headers }, text)
  }

  for (const operation of gets) {
    it(`fit GET ${operation.path}`, async () => {
      await get(operation)
      for (const { name, in: place, example } of operation.parameters) {
        if (place === 'path' || example === undefined) continue
        // The end of a span is only taken with its start.
        const query =
          name === 'to' && !operation.path.endsWith('logs') ? 'from=2100-01-01&to' : name
        await get(operation, `?${query}=${encodeURIComponent(String(example))}`)
      }
    })
  }

  it('fit what a user sees of itself, which is full of data', async () => {
    const own = (await get(named('getOwnUsage'), '', as.user)) as Record<string, unknown>
    assert.equal(own.total_operations, 8)
    assert.ok(!('total_cost_usd' in own))
    const logs = (await get(named('listOwnLogs'), '', as.user)) as Paged
    assert.equal(logs.data.length, 8)
    assert.ok(logs.data.every((entry) => entry.user_id === 'alice' && !('cost_usd' in entry)))
    const statuses = new Set(logs.data.map((entry) => entry.status))
    assert.deepEqual([...statuses].sort(), ['aborted', 'error', 'ok'])
  })

  it('fit zeros for users nobody has heard of', async () => {
    for (const id of ['anonymous', 'nobody', 'ä/b c', '$where', 'x'.repeat(256)]) {
      const response = await ask(app, 'GET', `/user/${encodeURIComponent(id)}`, as.admin)
      await fits(response, named('getUserUsage'), 200)
    }
  })

  it('fit every span and zone', async () => {
    for (const query of [
      'days=1',
      'days=366',
      'days=2&timezone=Asia/Kathmandu',
      'from=2026-01-01',
    ]) {
      for (const id of ['getOwnUsage', 'getUserUsage', 'getGlobalUsage', 'compareModels']) {
        const from = new Date(Date.now() - 5 * 86_400_000).toISOString().slice(0, 10)
        await get(named(id), `?${query.replace('2026-01-01', from)}`)
      }
    }
  })

  for (const id of ['listUsers', 'listLogs', 'listOwnLogs']) {
    it(`fit ${id} page by page, each entry once`, async () => {
      const operation = named(id)
      const sorts = operation.parameters.find(({ name }) => name === 'sort')?.schema.enum
      for (const sort of Array.isArray(sorts) ? sorts : [undefined]) {
        const query = sort === undefined ? '' : `&sort=${String(sort)}`
        const headers = id === 'listOwnLogs' ? as.user : as.admin
        const seen: unknown[] = []
        let cursor: string | null = ''
        while (cursor !== null && seen.length < 100) {
          const at: string = cursor && `&cursor=${cursor}`
          const { data, page } = (await get(operation, `?limit=2${query}${at}`, headers)) as Paged
          seen.push(...data.map((entry) => entry.request_id ?? entry.user_id))
          cursor = page.next_cursor
        }
        const whole = (await get(operation, `?limit=500${query}`, headers)) as Paged
        assert.deepEqual(
          seen,
          whole.data.map((entry) => entry.request_id ?? entry.user_id),
        )
        assert.ok(seen.length >= 3 && new Set(seen).size === seen.length)
      }
    })
  }

  it('stream the last hour as events whose data fit Realtime', async () => {
    const response = await ask(app, 'GET', '/realtime/stream', as.admin)
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
    const headers = realtimeStream.responses['200']?.headers ?? {}
    for (const [name, { schema }] of Object.entries(headers)) {
      assert.deepEqual(complaints(schema, response.headers.get(name)), [], name)
    }
    let text = ''
    for await (const bytes of response.body ?? []) {
      text += Buffer.from(bytes).toString()
      if (text.includes('\n\n')) break
    }
    const [, id, data] = /^id: (\d+)\nevent: realtime\ndata: (.+)\n\n/.exec(text) ?? []
    assert.equal(id, '1')
    const schema = spec.components.schemas.Realtime ?? {}
    assert.deepEqual(complaints(schema, JSON.parse(data ?? '')), [])
  })

  it('fit the receipt of events, those of the document among them', async () => {
    const old = { user_id: 'alice', operation_type: 'chat', input_tokens: 1, output_tokens: 1 }
    const one = { ...old, id: randomUUID() }
    const receipt = { accepted: 1, duplicates: 0, rejected: [] }
    assert.deepEqual(await fits(await post([one]), submitEvents, 202), receipt)
    const mixed = [one, { ...one, input_tokens: 2 }, { ...one, id: 7 }, { ...one, more: 1 }, null]
    const { duplicates, rejected } = (await fits(
      await post({ events: mixed }),
      submitEvents,
      202,
    )) as {
      duplicates: number
      rejected: { index: number; code: string }[]
    }
    assert.equal(duplicates, 1)
    assert.deepEqual(
      rejected.map(({ index, code }) => `${index} ${code}`),
      ['1 conflict', '2 invalid_event', '3 invalid_event', '4 invalid_event'],
    )
    for (const { value } of Object.values(spec.components.examples)) {
      const events = Array.isArray(value) ? value : (value as { events?: unknown[] }).events
      if (events === undefined) continue
      const now = events.map((event) => ({
        ...(event as object),
        id: randomUUID(),
        timestamp: new Date().toISOString(),
      }))
      const taken = await fits(await post(now), submitEvents, 202)
      assert.deepEqual((taken as { rejected: unknown[] }).rejected, [])
    }
  })

  it('are 400 for bodies that are no events', async () => {
    for (const body of [
      '',
      '{',
      '[]',
      '{}',
      'null',
      '"x"',
      '{"events":[]}',
      '{"events":[{}],"x":1}',
    ]) {
      await fits(await post(body), submitEvents, 400)
    }
    for (const none of ['[]', '{"events":[]}']) {
      const { detail } = (await (await post(none)).json()) as { detail: string }
      assert.match(detail, /at least one event/)
    }
    const plain = { ...as.service, 'content-type': 'text/plain' }
    await fits(await ask(app, 'POST', '/events', plain, '[{}]'), submitEvents, 400)
    await fits(await ask(app, 'POST', '/events', as.service), submitEvents, 400)
    const gzip = { ...json, ...as.service, 'content-encoding': 'x-none' }
    await fits(await ask(app, 'POST', '/events', gzip, '[{}]'), submitEvents, 400)
  })

  it('are 413 for too many events and for too many bytes', async () => {
    await fits(await post(Array(1001).fill({})), submitEvents, 413)
    await fits(await post(JSON.stringify(['x'.repeat(4 * 1024 * 1024)])), submitEvents, 413)
  })

  it('serve the document itself', async () => {
    assert.match(String(await get(named('getOpenapi'), '', as.admin)), /^openapi: 3\.1/)
  })

  it('are 503, with a time to try again, while the database is away', async () => {
    const { connection, uri } = app.database
    await connection.close()
    // Answers that belong to nobody in particular are shared for a second.
    await new Promise((resolve) => setTimeout(resolve, 1_050))
    try {
      for (const operation of guarded) {
        // These ask no database.
        if (operation === submitEvents || operation.path === '/metrics') continue
        await fits(await send(app, operation, as.admin), operation, 503)
      }
      for (const id of ['getHealth', 'getReadiness']) await get(named(id), '', as.admin, 503)
      await get(named('getLiveness'))
    } finally {
      await connection.openUri(uri)
    }
  })
})

describe('the answers of the HTTP API where users see cost', () => {
  it('fit, with cost', async () => {
    const app = await startWorld({ exposeCostToUsers: true, timezone: 'Europe/Berlin' })
    try {
      const usage = await ask(app, 'GET', '/me', bearer('alice'))
      const own = (await fits(usage, named('getOwnUsage'), 200)) as { total_cost_usd: number }
      const page = await ask(app, 'GET', '/me/logs', bearer('alice'))
      const { data } = (await fits(page, named('listOwnLogs'), 200)) as Paged
      assert.ok(data.every((entry) => 'cost_usd' in entry))
      const costs = data.map((entry) => Number(entry.cost_nano_usd ?? 0))
      const sum = costs.reduce((total, cost) => total + cost, 0)
      assert.ok(costs.includes(250_000_000) && costs.includes(488 * 150 + 512 * 75 + 450 * 600))
      assert.equal(Math.round(own.total_cost_usd * 1e9), sum)
    } finally {
      await app.close()
    }
  })
})
