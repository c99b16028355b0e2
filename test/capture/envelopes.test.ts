import assert from 'node:assert/strict'
import express from 'express'
import { readPayload } from '../../src/capture/readers/index.js'
import { emptyReading } from '../../src/capture/reading.js'
import { startApp, type TestApp } from '../helpers/app.js'
import { operation } from '../outbound/support.js'

const words = 'The key is under the mat, as it has been every summer. '.repeat(30).trim()
const usage = { prompt_tokens: 31, completion_tokens: 401 }
const chat = { object: 'chat.completion', choices: [{ message: { content: words } }], usage }

describe("a host's own answer", () => {
  let answer: unknown
  let app: TestApp
  before(async () => {
    app = await startApp((host) => {
      host.post('/ai/chat', express.json(), (_req, res) => {
        if (typeof answer === 'string') res.type('text/event-stream').send(answer)
        else res.json(answer)
      })
    })
  })
  after(() => app.close())

  let users = 0
  async function metered(given: unknown) {
    answer = given
    users += 1
    const event = await operation(app, `user-${users}`)
    return [event.input_tokens, event.output_tokens, event.token_source]
  }

  const withUsage: Record<string, unknown> = {
    'in data': { success: true, data: { reply: words, model: 'gpt-4o', usage } },
    'in data, as the provider gave it': { ok: true, data: chat },
    "in tRPC's result": { result: { data: { json: null, reply: words, usage } } },
    'beside the reply, in meta': { reply: words, meta: { model: 'gpt-4o', usage } },
    'in a batch': [{ result: { data: { reply: words, usage } } }],
  }
  for (const [where, given] of Object.entries(withUsage)) {
    it(`has its usage read ${where}`, async () => {
      assert.deepEqual(await metered(given), [31, 401, 'provider'])
    })
  }

  const withText: Record<string, unknown> = {
    'in data': { success: true, data: { reply: words } },
    'in result': { status: 'ok', result: { message: words } },
    'in choices within data': { data: { choices: [{ message: { content: words } }] } },
    'once, where both have it': { reply: words, response: { text: words } },
    'from a stream of envelopes':
      `data: ${JSON.stringify({ data: { text: words.slice(0, 500) } })}\n\n` +
      `data: ${JSON.stringify({ data: { text: words.slice(500) } })}\n\n`,
  }
  for (const [where, given] of Object.entries(withText)) {
    it(`has its text counted ${where}`, async () => {
      const plain = await metered({ reply: words })
      const found = await metered(given)
      assert.equal(found[2], plain[2])
      assert.ok(Math.abs(Number(found[1]) - Number(plain[1])) <= 2, String(found))
      assert.ok(Number(found[1]) > 300)
    })
  }

  it('of unknown shape has its strings counted, as an estimate', async () => {
    const [, all] = await metered({ reply: words })
    const mindmap = { mindmap: { nodes: words.split('. ').map((title, id) => ({ id, title })) } }
    const graphql = { data: { ask: { text: { de: words } } } }
    for (const given of [mindmap, graphql]) {
      const [, output, source] = await metered(given)
      assert.equal(source, 'estimate')
      assert.ok(Math.abs(Number(output) - Number(all)) < 0.15 * Number(all), String(output))
    }
  })

  it('has no tokens for links, base64, ids, what was asked, or nothing at all', async () => {
    const nothing = {
      ...{ id: '665f1c2e8b3e4a0012345678', url: 'https://example.com/a b', prompt: words },
      image: Buffer.alloc(30_000, 7).toString('base64'),
      messages: [{ role: 'user', content: words }],
    }
    assert.equal((await metered(nothing))[1], 0)
    assert.equal((await metered({ ok: true, count: 3 }))[1], 0)
  })

  it('counts of a conversation what came last', async () => {
    const [, all] = await metered({ reply: words })
    const messages = [
      { role: 'user', content: words },
      { role: 'assistant', content: words },
      { role: 'user', content: words },
      { role: 'assistant', content: words },
    ]
    const [, output] = await metered({ conversation: { turns: messages } })
    assert.ok(Math.abs(Number(output) - Number(all)) < 10, String(output))
  })

  it('is half the estimate where a stream says nothing that could be read', async () => {
    const stream = 'data: {"piece":"Un"}\n\ndata: {"piece":"der"}\n\n'
    const [, output, source] = await metered(stream)
    assert.deepEqual([output, source], [250, 'estimate'])
  })

  it('names its model also without usage', () => {
    const reading = emptyReading()
    readPayload({ reply: words, model: 'gpt-4o' }, reading)
    assert.equal(reading.model, 'gpt-4o')
  })
})
