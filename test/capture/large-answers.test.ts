import assert from 'node:assert/strict'
import type { Express, Response } from 'express'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { apiKey, startHost, startProvider } from '../proxy/support.js'

const mebibyte = 1024 * 1024
/** What images and vectors are as text. */
const base64 = 'aGVs'.repeat(mebibyte / 2)
const trap = '",\\"usage\\":{\\"prompt_tokens\\":1,\\"completion_tokens\\":1}}'

const vectors = (usage: object) => ({
  object: 'list',
  data: [{ object: 'embedding', index: 0, embedding: base64 }],
  model: 'text-embedding-3-small',
  usage,
})
const image = {
  candidates: [
    { content: { parts: [{ inlineData: { data: base64 } }] }, finishReason: 'STOP', index: 0 },
  ],
  usageMetadata: {
    ...{ promptTokenCount: 7, candidatesTokenCount: 1290, totalTokenCount: 1297 },
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: 7 }],
  },
  modelVersion: 'gemini-2.5-flash-image',
  responseId: 'r-1',
}

describe('an answer that is too large to be read', function () {
  this.timeout(20_000)
  let app: TestApp
  let answer: (res: Response) => void
  before(async () => {
    const mount = (host: Express) => host.post('/ai/chat', (_req, res) => answer(res))
    app = await startApp(mount)
  })
  after(() => app.close())

  const eventOf = async (user: string, body: unknown, spaces = 0) => {
    answer = (res) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body, null, spaces)
      res.type('json')
      for (let at = 0; at < text.length; at += 50_000) res.write(text.slice(at, at + 50_000))
      res.end()
    }
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer(user) })).text()
    await app.usage.flush()
    const logs = app.database.connection.collection('usage_logs')
    const found = (await logs.findOne({ user_id: user })) ?? assert.fail()
    const { model, token_source, input_tokens, output_tokens } = found
    return [model, token_source, input_tokens, output_tokens] as unknown[]
  }

  it('has the figures at its end', async () => {
    const usage = { prompt_tokens: 100_000, total_tokens: 100_000 }
    const embedded = ['text-embedding-3-small', 'provider', 100_000, 0]
    assert.deepEqual(await eventOf('vectors', vectors(usage)), embedded)
    assert.deepEqual(await eventOf('spaced', vectors(usage), 2), embedded)
    assert.deepEqual(await eventOf('image', image), ['gemini-2.5-flash-image', 'provider', 7, 1290])
  })

  it('is estimated where its end tells none, or only its text does', async () => {
    for (const [user, body] of Object.entries({
      none: { text: base64 },
      cut: JSON.stringify(vectors({ prompt_tokens: 1, total_tokens: 1 })).slice(0, -1),
      deeper: { text: base64, steps: { answer: '', usage: { prompt_tokens: 1, total_tokens: 1 } } },
      text: { data: base64, reply: trap },
      partly: { usage: { prompt_tokens: 1, total_tokens: 1 }, data: base64, reply: 'Hi' },
    })) {
      assert.deepEqual(await eventOf(user, body), [undefined, 'estimate', 250, 250], user)
    }
  })

  it('is read at its end through the proxy as well', async () => {
    const provider = await startProvider((_req, res) => {
      res.setHeader('content-type', 'application/json').end(JSON.stringify(image))
    })
    const host = await startHost((at, usage) =>
      at.use(usage.proxy({ provider: 'gemini', apiKey, baseUrl: provider.url })),
    )
    const path = '/v1beta/models/gemini-2.5-flash-image:generateContent'
    const answered = await fetch(`${host.url}${path}`, {
      method: 'POST',
      headers: bearer('painter'),
      body: '{"contents":"A cat"}',
    })
    assert.equal((await answered.text()).length, JSON.stringify(image).length)
    const event = await host.event('painter')
    assert.deepEqual([event.input_tokens, event.output_tokens], [7, 1290])
    await host.close()
    await provider.close()
  })
})
