import assert from 'node:assert/strict'
import multer from 'multer'
import { bearer } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'
import {
  apiKey,
  frameworks,
  startHost,
  startProvider,
  type Provider,
  type ProxyHost,
} from './support.js'

const cut = payload('openai-chat/stream-aborted.sse')
const messages = [{ role: 'user', content: 'Where shall I go in May, and what to eat there?' }]

for (const framework of Object.keys(frameworks) as (keyof typeof frameworks)[]) {
  describe(`the proxy below body parsers, on ${framework}`, () => {
    let provider: Provider
    let host: ProxyHost
    before(async () => {
      provider = await startProvider((_req, res) => {
        res.setHeader('content-type', 'text/event-stream')
        res.write(cut, () => res.destroy())
      })
      host = await startHost(
        (app, usage) => {
          const { json, raw, text, urlencoded } = frameworks[framework]
          const proxy = usage.proxy({ provider: 'openai', apiKey, baseUrl: provider.url })
          const type = '*/*'
          app.use('/none', proxy)
          app.use('/json', json(), proxy)
          app.use('/urlencoded', urlencoded({ extended: true }), proxy)
          app.use('/text', text({ type }), proxy)
          app.use('/raw', raw({ type }), proxy)
          app.use('/multer', multer().any(), proxy)
        },
        { framework },
      )
    })
    beforeEach(() => provider.seen.splice(0))
    after(async () => {
      await host.close()
      await provider.close()
    })

    it('counts the prompt of a stream that tells no usage, whichever stands there', async function () {
      this.timeout(20_000)
      const counts: unknown[] = []
      for (const user of ['none', 'json', 'urlencoded', 'text', 'raw', 'multer']) {
        const answer = await fetch(`${host.url}/${user}/chat/completions`, {
          method: 'POST',
          headers: { ...bearer(user), 'content-type': 'application/json' },
          body: JSON.stringify({ model: 'gpt-4o-mini', messages, stream: true }),
        })
        await answer.text()
        const { token_source, input_tokens } = await host.event(user)
        counts.push({ user, token_source, input_tokens })
        assert.deepEqual(counts.at(-1), { user, token_source: 'tokenizer', input_tokens: 20 })
      }
    })

    it('refuses a form that one of them has read', async () => {
      const form = new FormData()
      form.set('model', 'gpt-4o-transcribe')
      form.set('file', new Blob(['x'.repeat(1000)]), 'speech.mp3')
      const answer = await fetch(`${host.url}/multer/audio/transcriptions`, {
        method: 'POST',
        headers: bearer('form'),
        body: form,
      })
      assert.equal(answer.status, 400)
      assert.equal(((await answer.json()) as { code: string }).code, 'invalid_body')
      assert.equal(provider.seen.length, 0)
    })
  })
}
