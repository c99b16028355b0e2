import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, fetch as undiciFetch, request as undiciRequest } from 'undici'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'
import { until } from '../helpers/until.js'
import { operation, startProvider, type Provider } from './support.js'

const completion = payload('openai-chat/completion.json')

describe('provider calls through a pool that makes them wait', () => {
  let provider: Provider
  let app: TestApp
  let dispatcher: Agent
  let ask: (url: string, body: string) => Promise<unknown>
  before(async () => {
    provider = await startProvider((_req, res, body) => {
      const { tokens } = JSON.parse(body || '{"tokens":0}') as { tokens: number }
      const usage = { prompt_tokens: tokens, completion_tokens: 1, total_tokens: tokens + 1 }
      const answer = { object: 'chat.completion', model: 'gpt-4o', choices: [], usage }
      setTimeout(
        () => res.setHeader('content-type', 'application/json').end(JSON.stringify(answer)),
        5,
      )
    })
    app = await startApp(
      (host) => {
        host.post('/ai/chat', async (req, res) => {
          await ask(
            `${provider.url}/v1/chat/completions`,
            `{"tokens":${req.get('x-tokens') ?? ''}}`,
          )
          // Others' calls go out meanwhile, while this one is tracked still.
          await sleep(400)
          res.json({ reply: 'yes' })
        })
      },
      { capture: { outbound: { hosts: [provider.url] } } },
    )
  })
  after(async () => {
    await app.close()
    await provider.close()
  })
  // Connections remember the request that opened them.
  beforeEach(() => {
    dispatcher = new Agent({ connections: 2 })
  })
  afterEach(() => dispatcher.destroy())

  const inputs = Array.from({ length: 20 }, (_, index) => 1000 + index)
  const all = async (name: string) =>
    Promise.all(
      inputs.map((tokens) => {
        const user = `${name} ${tokens}`
        const headers = { ...bearer(user), 'x-tokens': String(tokens) }
        return operation(app, user, { headers })
      }),
    )

  it('belong to those who made them', async () => {
    ask = async (url, body) => {
      const response = await undiciRequest(url, { method: 'POST', body, dispatcher })
      await response.body.text()
    }
    const events = await all('request')
    assert.deepEqual(
      events.map((event) => event.input_tokens),
      inputs,
    )
    assert.ok(events.every((event) => event.attempts === 1))
  })

  it('are never billed to another, where only the pool knows whose they are', async () => {
    ask = async (url, body) => {
      const response = await undiciFetch(url, { method: 'POST', body, dispatcher })
      await response.text()
    }
    const events = await all('fetch')
    for (const [index, event] of events.entries()) {
      if (event.token_source === 'provider') assert.equal(event.input_tokens, inputs[index])
      assert.equal(event.attempts, 1)
    }
    assert.ok(events.some((event) => event.token_source === 'provider'))
  })
})

describe('provider calls that a pool lets go', () => {
  let provider: Provider
  let app: TestApp
  let dispatcher: Agent
  /** Calls that have been made, though perhaps not sent yet. */
  let asked = 0
  /** Lets those go on that are tracked while others' calls go out. */
  let release: () => void
  beforeEach(async () => {
    provider = await startProvider((_req, res, body) => {
      if (body !== 'to be given up') res.end(completion)
    })
    // With one connection there would be no pool.
    dispatcher = new Agent({ connections: 2 })
    const ask = async (body: string, signal?: AbortSignal) => {
      const init = { method: 'POST', body, dispatcher, ...(signal && { signal }) }
      const response = undiciFetch(`${provider.url}/v1/chat/completions`, init)
      asked += 1
      await (await response).text()
    }
    asked = 0
    const released = new Promise<void>((resolve) => (release = resolve))
    const leaving = new AbortController()
    const deeds: Record<string, () => Promise<unknown>> = {
      list: () =>
        undiciFetch(`${provider.url}/v1/models`, { dispatcher }).then((got) => got.text()),
      leave: () => ask('to be given up', leaving.signal).catch(() => undefined),
      abort: async () => {
        leaving.abort()
        await Promise.resolve()
      },
      ask: () => ask('{}'),
    }
    app = await startApp(
      (host) => {
        host.post('/ai/chat', async (req, res) => {
          const deed = req.get('x-deed') ?? ''
          await deeds[deed]?.()
          if (deed !== 'ask') await released
          res.json({ reply: 'yes' })
        })
      },
      { capture: { outbound: { hosts: [provider.url] } } },
    )
  })
  afterEach(async () => {
    await app.close()
    await dispatcher.destroy()
    await provider.close()
  })

  const user = async (deed: string, name = deed) => {
    const headers = { ...bearer(name), 'x-deed': deed }
    return operation(app, name, { headers })
  }
  const users = (deed: string, count: number) =>
    Array.from({ length: count }, (_, index) => user(deed, `${deed} ${index}`))

  it('are not billed to one that opened the connection for something else', async () => {
    const listing = users('list', 2)
    await until(() => provider.requests.length === 2)
    await Promise.all(users('ask', 6))
    release()
    for (const event of await Promise.all(listing)) assert.notEqual(event.token_source, 'provider')
    assert.equal(provider.requests.length, 8)
  })

  it('are not billed to one that aborts others that they wait behind', async () => {
    const leaving = users('leave', 2)
    await until(() => provider.requests.length === 2)
    const asking = users('ask', 4)
    await until(() => asked === 6)
    const aborting = user('abort')
    await Promise.all(asking)
    release()
    assert.notEqual((await aborting).token_source, 'provider')
    await Promise.all(leaving)
    assert.equal(provider.requests.length, 6)
  })
})
