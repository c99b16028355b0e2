import assert from 'node:assert/strict'
import * as z from 'zod'
import type { Fault } from '../../scripts/simulator/index.js'
import { settledCall } from '../simulator/support.js'
import { KINDS, parseSse, startDemo, type RunningDemo } from './support.js'

const chat = { message: 'What is there to see in Lisbon?' }
const problem = z.object({ status: z.int(), code: z.string(), detail: z.string() })

function ask(demo: RunningDemo, path: string, fault: Fault) {
  return demo.post(path, chat, { 'x-simulator-fault': fault })
}

for (const kind of KINDS) {
  describe(`the demo app when ${kind} fails`, () => {
    let demo: RunningDemo
    /** One that does not wait long: a first call on a busy machine takes its time, and is no failure. */
    let impatient: RunningDemo
    before(async () => {
      demo = await startDemo({ kind })
      impatient = await startDemo({ kind, upstream: { timeoutMs: 150 } })
    })
    beforeEach(() => demo.simulator.reset())
    after(async () => {
      await demo.close()
      await impatient.close()
    })

    const cases: [Fault, number, string][] = [
      ['rate_limit', 429, 'upstream_rate_limited'],
      ['server_error', 502, 'upstream_failed'],
      ['overloaded', 502, 'upstream_failed'],
      ['hang', 504, 'upstream_timeout'],
    ]
    for (const [fault, status, code] of cases) {
      it(`answers ${status} to ${fault}, streaming or not, after one call`, async () => {
        const asked = fault === 'hang' ? impatient : demo
        for (const path of ['/ai/chat', '/ai/chat/stream']) {
          asked.simulator.reset()
          const response = await ask(asked, path, fault)
          assert.equal(response.status, status)
          assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
          const body = problem.parse(await response.json())
          assert.deepEqual([body.status, body.code], [status, code])
          if (status === 429) assert.equal(response.headers.get('retry-after'), '1')
          await settledCall(asked.simulator)
        }
      })
    }

    it('answers 502 to a broken answer', async () => {
      for (const fault of ['malformed', 'cut_stream'] as const) {
        const response = await ask(demo, '/ai/chat', fault)
        assert.equal(response.status, 502)
        assert.equal(problem.parse(await response.json()).code, 'upstream_failed')
      }
    })

    it('ends a stream that fails midway with an error event', async () => {
      for (const fault of ['error_in_stream', 'cut_stream', 'malformed'] as const) {
        const response = await ask(demo, '/ai/chat/stream', fault)
        assert.equal(response.status, 200)
        const events = parseSse(await response.text())
        const last = events.at(-1)
        assert.equal(last?.event, 'error')
        const { error } = z
          .object({ error: z.object({ type: z.string(), message: z.string().min(1) }) })
          .parse(JSON.parse(last.data))
        assert.ok(error.type)
        assert.ok(events.length > 5)
        assert.ok(events.every(({ data }) => data !== '[DONE]'))
      }
    })

    it('answers usage null when the provider sends none', async () => {
      const response = await ask(demo, '/ai/chat', 'no_usage')
      const { usage } = z.object({ usage: z.unknown() }).parse(await response.json())
      assert.equal(usage, null)
    })

    it('answers 400 to an unknown model of the caller', async () => {
      const response = await demo.post('/ai/chat', { ...chat, model: 'nope' })
      assert.equal(response.status, 400)
      const { code, detail } = problem.parse(await response.json())
      assert.equal(code, 'upstream_rejected')
      assert.match(detail, /nope/)
    })
  })

  describe(`the demo app when a client of ${kind} leaves`, () => {
    let demo: RunningDemo
    before(async () => {
      demo = await startDemo({ kind, pace: 'realistic' })
    })
    beforeEach(() => demo.simulator.reset())
    after(() => demo.close())

    for (const path of ['/ai/chat', '/ai/chat/stream', '/ai/mindmap']) {
      it(`aborts the call to the provider: ${path}`, async () => {
        const left = new AbortController()
        const request = fetch(demo.url + path, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ...chat, topic: 'Lisbon' }),
          signal: left.signal,
        }).then((response) => response.text())
        setTimeout(() => left.abort(), 300)
        await assert.rejects(request, { name: 'AbortError' })
        const call = await settledCall(demo.simulator)
        assert.equal(call.outcome, 'client_aborted')
      })
    }
  })
}

describe('the demo app with a wrong set-up', () => {
  const statusAndDetail = async (upstream: {
    baseUrl?: string
    model?: string
    apiKey?: string
  }) => {
    const demo = await startDemo({ upstream })
    const response = await demo.post('/ai/chat', chat)
    const body = problem.parse(await response.json())
    await demo.close()
    return { status: response.status, detail: body.detail }
  }

  it('answers 502 when the provider cannot be reached', async () => {
    const { status } = await statusAndDetail({ baseUrl: 'http://127.0.0.1:1/v1' })
    assert.equal(status, 502)
  })

  it('answers 502 when its own model is unknown', async () => {
    const { status, detail } = await statusAndDetail({ model: 'nope' })
    assert.equal(status, 502)
    assert.match(detail, /nope/)
  })

  it('answers 502 without a word about the key when the provider refuses it', async () => {
    const { status, detail } = await statusAndDetail({ apiKey: ' ' })
    assert.equal(status, 502)
    assert.equal(detail, 'The AI provider refuses the API key of this server.')
  })
})
