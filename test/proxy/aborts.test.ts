import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startSimulator } from '../../scripts/simulator/index.js'
import { bearer } from '../helpers/app.js'
import { settledCall } from '../simulator/support.js'
import {
  apiKey,
  openai,
  startHost,
  startProvider,
  type Provider,
  type ProxyHost,
} from './support.js'
import { until } from '../helpers/until.js'

const messages = [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }]
const ask = { model: 'gpt-4o-mini', messages, stream: true as const }

describe('a proxied call whose client leaves', () => {
  let provider: Provider
  let behave: (req: IncomingMessage, res: ServerResponse) => void = (_req, res) => void res.end()
  let host: ProxyHost
  before(async () => {
    provider = await startProvider((req, res) => behave(req, res))
    host = await startHost((app, usage) =>
      app.use('/gem', usage.proxy({ provider: 'gemini', apiKey, baseUrl: provider.url })),
    )
  })
  after(async () => {
    await host.close()
    await provider.close()
  })

  it('ends at the provider when the client leaves', async () => {
    let left = false
    behave = (_req, res) => {
      res.setHeader('content-type', 'text/event-stream')
      res.write(
        'data: {"object":"chat.completion.chunk","choices":[{"delta":{"content":"Hi"}}]}\n\n',
      )
      res.once('close', () => (left = true))
    }
    for (const user of ['leaver', 'early']) {
      left = false
      if (user === 'early') {
        behave = (_req, res) => void res.once('close', () => (left = true))
      }
      const abort = new AbortController()
      const before = provider.seen.length
      const answer = fetch(`${host.url}/gem/v1beta/models/m:generateContent`, {
        method: 'POST',
        headers: bearer(user),
        body: JSON.stringify({ contents: 'x' }),
        signal: abort.signal,
      })
      if (user === 'leaver') await (await answer).body?.getReader().read()
      else await until(() => provider.seen.length > before)
      abort.abort()
      await answer.catch(() => undefined)
      await until(() => left)
      const event = await host.event(user)
      assert.equal(event.status, 'aborted')
      assert.equal(event.success, false)
    }
  })

  it('ends at the simulator, which bills what it had made, when the SDK aborts', async () => {
    const own = await startSimulator({ pace: 'realistic' })
    const slow = await startHost((app, usage) =>
      app.use(usage.proxy({ provider: 'openai', apiKey, baseUrl: own.baseUrls.openai })),
    )
    const stream = await openai(slow.url, 'aborter').chat.completions.create(ask)
    let text = ''
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      if (text.length > 20) stream.controller.abort()
    }
    const call = await settledCall(own)
    assert.equal(call.outcome, 'client_aborted')
    const event = await slow.event('aborter')
    assert.equal(event.status, 'aborted')
    assert.equal(event.input_tokens, call.input_tokens)
    assert.ok(Math.abs(event.output_tokens - call.output_tokens) <= 4)
    await slow.close()
    await own.close()
  })
})
