import assert from 'node:assert/strict'
import express from 'express'
import { isGuarded, operations, type Operation } from '../contract/spec.js'
import { as, ask, pathOf } from '../contract/world.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { listenIn, monitored, type Command } from './commands.js'
import { hostileNames, hostileQueries, hostileTexts, hostileValues } from './hostile.js'
import { assertHarmless } from './harmless.js'
import { rawClient } from './raw.js'

const guarded = operations.filter(isGuarded)
const json = { 'content-type': 'application/json' }
const valid = hostileNames.filter((name) => !/[\p{C}]/u.test(name))

/** An example of what an operation takes. */
function exampleOf({ requestBody }: Operation): Record<string, unknown> {
  const [example] = Object.values(requestBody?.content['application/json']?.examples ?? {})
  const value = example?.value as Record<string, unknown> | Record<string, unknown>[]
  return (Array.isArray(value) ? value[0] : value) ?? {}
}

describe('what clients say, as MongoDB hears it', function () {
  this.timeout(60_000)
  let app: TestApp
  let client: ReturnType<typeof rawClient>
  let heard: Command[]
  before(async () => {
    app = await startApp(
      (host, usage) => {
        host.use(express.json({ limit: '4mb' }))
        host.post('/ai/chat', (req, res) => {
          usage.annotate(req, req.body as object)
          res.json({ object: 'chat.completion', choices: [], ...(req.body as object) })
        })
      },
      { metadata: ['feature'], rollup: { cron: '* * * * * *' } },
      monitored,
    )
    heard = listenIn(app.database.connection)
    client = rawClient(app.url)
  })
  after(async () => {
    client.close()
    await app.close()
  })
  afterEach(() => {
    assertHarmless(heard.splice(0))
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })

  const headers = ['Authorization', as.admin.authorization, 'Content-Type', 'application/json']
  const send = async (operation: Operation, path: string, body?: string) => {
    const answer = await client.ask(operation.method, path, headers, body)
    const { status, body: text } = answer
    const where = `${operation.method} ${path} ${body?.slice(0, 200) ?? ''}: ${status} ${text}`
    assert.ok(status < 500, where)
    return { status, text, where }
  }

  it('has no operator from a query', async () => {
    for (const operation of guarded.filter(({ path }) => !path.endsWith('stream'))) {
      const names = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name)
      await Promise.all(
        [...names, 'other'].flatMap(hostileQueries).map(async (query) => {
          const { status, where } = await send(operation, `${pathOf(operation)}?${query}`)
          assert.ok(status === 200 || status === 400, where)
        }),
      )
    }
  })

  it('has no operator from a path', async () => {
    for (const operation of guarded.filter(({ path }) => path.includes('{'))) {
      const body = operation.requestBody && JSON.stringify(exampleOf(operation))
      for (const name of [...hostileNames, 'a\0b', 'a\nb', '%', '.', '..']) {
        const path = operation.path.replace(/\{\w+\}/g, encodeURIComponent(name))
        await send(operation, path, body)
      }
    }
  })

  it('has no operator from a field of a body', async () => {
    for (const operation of guarded.filter(({ requestBody }) => requestBody)) {
      const example = exampleOf(operation)
      for (const [index, value] of hostileValues.entries()) {
        for (const field of [...Object.keys(example), '$set', 'a.b', '__proto__']) {
          const changed = { ...example, id: `field-${index}-${field}`, [field]: value }
          const isEvents = operation.path === '/events'
          if (!isEvents) Reflect.deleteProperty(changed, 'id')
          const { status, text, where } = await send(
            operation,
            pathOf(operation),
            JSON.stringify(isEvents ? [changed] : changed),
          )
          assert.ok([200, 201, 202, 400, 404, 409, 422].includes(status), where)
          assert.doesNotMatch(text, /polluted/, where)
        }
      }
    }
  })

  it('has nothing from a body that is not of our shape', async () => {
    for (const operation of guarded.filter(({ requestBody }) => requestBody)) {
      for (const text of hostileTexts) {
        const { status, where } = await send(operation, pathOf(operation), text)
        assert.ok(status < 300 || [400, 404, 413, 422].includes(status), where.slice(0, 500))
      }
    }
  })

  it('refuses events with deeply nested metadata, and takes the others', async () => {
    const nested = '['.repeat(100_000) + ']'.repeat(100_000)
    const event = '"user_id":"alice","operation_type":"chat"'
    const events = `[{"id":"d1",${event},"metadata":{"feature":${nested}}},{"id":"d2",${event}}]`
    const response = await ask(app, 'POST', '/events', { ...as.service, ...json }, events)
    assert.equal(response.status, 202, await response.clone().text())
    const answer = (await response.json()) as { accepted: number; rejected: { index: number }[] }
    assert.deepEqual([answer.accepted, answer.rejected.map(({ index }) => index)], [1, [0]])
    const cyclic: Record<string, unknown> = { size: 1n }
    cyclic.self = cyclic
    const job = { user_id: 'alice', operation_type: 'chat', metadata: cyclic }
    await assert.rejects(app.usage.record(job), { code: 'invalid_event' })
  })

  it('has names with dollars and dots as values only', async () => {
    const events = valid.map((name, index) => ({
      ...{
        id: `${name}${index}`,
        user_id: name,
        operation_type: 'chat',
        org_id: name,
        model: name,
      },
      ...{ provider: name.slice(0, 64), tier: name.slice(0, 64), endpoint: name, input_tokens: 1 },
      ...{
        conversation_id: name,
        tools_used: [name.slice(0, 128)],
        service_tier: name.slice(0, 64),
      },
      metadata: { feature: name, [name]: name, $where: name, 'a.b': name },
    }))
    const response = await ask(
      ...([app, 'POST', '/events', { ...as.service, ...json }, JSON.stringify(events)] as const),
    )
    const answer = (await response.json()) as { accepted: number; rejected: unknown[] }
    assert.deepEqual([answer.accepted, answer.rejected], [valid.length, []])
    for (const name of valid) {
      const tracked = await fetch(`${app.url}/ai/chat`, {
        method: 'POST',
        headers: {
          ...bearer(name, { org: name, tier: name }),
          ...json,
          'x-request-id': `$${name.length}`,
        },
        body: JSON.stringify({
          model: name,
          metadata: { feature: name, [name]: 1 },
          id: name,
          user_id: name,
        }),
      })
      assert.equal(tracked.status, 200)
      await tracked.text()
    }
    await app.usage.flush()
    assert.equal(
      await app.database.connection
        .collection('usage_logs')
        .countDocuments({ model: '$canary-name' }),
      2,
    )
  })

  it('has hostile values of tracked traffic nowhere', async () => {
    const fields = [
      'model',
      'usage',
      'id',
      'user_id',
      'org_id',
      'metadata',
      'tools_used',
      'choices',
    ]
    for (const value of hostileValues) {
      for (const field of fields) {
        const tracked = await fetch(`${app.url}/ai/chat`, {
          method: 'POST',
          headers: { ...bearer('alice', { tier: 'enterprise' }), ...json },
          body: JSON.stringify({
            [field]: value,
            usage: { prompt_tokens: value, total_tokens: value },
          }),
        })
        assert.ok([200, 429].includes(tracked.status))
        await tracked.text()
      }
    }
    await app.usage.flush()
  })

  it('stays so when all of it is rolled up, listed and added up', async () => {
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    for (const operation of guarded.filter(({ method }) => method === 'GET')) {
      if (operation.path.endsWith('stream')) continue
      for (const name of valid.slice(0, 5)) {
        const path = operation.path.replace(/\{\w+\}/g, encodeURIComponent(name))
        const response = await ask(app, 'GET', path, bearer(name, { role: 'admin', tier: name }))
        assert.ok(response.status < 500, `${path} as ${name}: ${await response.text()}`)
      }
    }
    const asked = new Set(heard.map(({ name }) => name))
    for (const name of ['find', 'aggregate']) assert.ok(asked.has(name), name)
  })

  it('has the beginning of an id literally, whatever it means as a pattern', async () => {
    const found = async (q: string) => {
      const path = `/users?q=${encodeURIComponent(q)}&limit=500`
      const { data } = await app.admin<{ data: { user_id: string }[] }>(path)
      return data.map(({ user_id }) => user_id)
    }
    assert.deepEqual(await found('.*'), ['.*'])
    assert.deepEqual(await found('^(a+)+$'), ['^(a+)+$'])
    const dotted = await found('.')
    assert.ok(dotted.includes('.*') && dotted.every((id) => id.startsWith('.')), dotted.join(' '))
    assert.deepEqual(await found('[a-z]'), [])
    for (const q of ['alic.', 'alice|', '^alice', 'alice$', '(?:)', '\\w', 'ALICE']) {
      assert.deepEqual(await found(q), [], q)
    }
  })
})
