import assert from 'node:assert/strict'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { mintToken } from '../../scripts/mint-token.js'
import { bearer, secret, startApp, type TestApp } from '../helpers/app.js'
import { until } from '../helpers/until.js'

interface Event {
  generated_at: string
  last_hour: { total_operations: number }
}

describe('the stream of the last hour', function () {
  this.timeout(20_000)
  let app: TestApp
  let events: Event[]
  let leave: () => Promise<void>
  beforeEach(async () => {
    app = await startApp((host) => {
      host.post('/ai/chat', (_req, res) => {
        res.json({ model: 'gpt-4o', usage: { prompt_tokens: 3, completion_tokens: 2 } })
      })
    })
    events = []
    leave = await listen()
    await until(() => events.length > 0)
  })
  afterEach(async () => {
    await leave()
    await app.close()
  })

  async function listen() {
    const left = new AbortController()
    const headers = bearer('root', { role: 'admin' })
    const url = `${app.url}/ai/usage/realtime/stream`
    const { body } = await fetch(url, { headers, signal: left.signal })
    const reading = (async () => {
      let text = ''
      for await (const bytes of body ?? []) {
        const lines = (text + Buffer.from(bytes).toString()).split('\n')
        text = lines.pop() ?? ''
        const data = lines.filter((line) => line.startsWith('data: '))
        events.push(...data.map((line) => JSON.parse(line.slice(6)) as Event))
      }
    })().catch(() => undefined)
    return async () => {
      left.abort()
      await reading
    }
  }
  const call = async () => {
    const response = await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('ann') })
    await response.arrayBuffer()
  }
  const operations = () => events.at(-1)?.last_hour.total_operations

  it('tells within two seconds what was done just after it had told something', async () => {
    await call()
    await until(() => operations() === 1, 2_000)
    await call()
    await until(() => operations() === 2, 2_000)
  })

  it('tells once a second while something is done all the time', async () => {
    const end = performance.now() + 3_000
    while (performance.now() < end) {
      await call()
      await sleep(60)
    }
    assert.ok(events.length >= 3, `${events.length} events`)
    assert.ok(events.length <= 5, `${events.length} events`)
    const told = events.map((event) => event.generated_at)
    assert.equal(new Set(told).size, told.length)
  })

  it('ends when the token of its reader has run out', async () => {
    // Tokens are good for 30 s longer than they say.
    const issued = { ttlSeconds: 60, now: Date.now() - 88_000 }
    const token = mintToken({ secret, user: 'root', role: 'admin', ...issued })
    const headers = { authorization: `Bearer ${token}` }
    const url = `${app.url}/ai/usage/realtime/stream`
    const { status, body } = await fetch(url, { headers })
    assert.equal(status, 200)
    const reading = body?.pipeTo(new WritableStream())
    await until(async () => (await fetch(url, { method: 'HEAD', headers })).status === 401)
    await call()
    await reading
    const before = events.length
    await call()
    await until(() => events.length > before, 2_000)
  })
})

describe('the stream of the last hour, of a reader that leaves while it is looked up', () => {
  it('asks MongoDB for no more sums', async () => {
    const listened = { monitorCommands: true }
    const app = await startApp(() => undefined, { rollup: { enabled: false } }, listened)
    const { usage, database } = app
    let onSums: () => void = () => undefined
    database.connection.getClient().on('commandStarted', ({ commandName }) => {
      if (commandName === 'aggregate') onSums()
    })
    const headers = bearer('root', { role: 'admin' })
    const asked = request(`${app.url}/ai/usage/realtime/stream`, { headers })
    const left = new Promise<void>((resolve) => asked.on('close', resolve))
    onSums = () => asked.destroy()
    asked.on('error', () => undefined).end()
    await left
    // What is looked up is shared for a second.
    await sleep(1_200)
    let questions = 0
    onSums = () => (questions += 1)
    await usage.record({ user_id: 'ann', operation_type: 'job', input_tokens: 1, output_tokens: 1 })
    await usage.flush()
    await sleep(1_500)
    assert.equal(questions, 0)
    await app.close()
  })
})
