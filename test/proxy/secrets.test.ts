import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { inspect } from 'node:util'
import { bearer, listen, token } from '../helpers/app.js'
import {
  apiKey,
  openai,
  rejection,
  startHost,
  startProvider,
  type Provider,
  type ProxyHost,
} from './support.js'

const leaky = {
  'set-cookie': 'session=provider',
  'openai-organization': 'org-secret',
  'x-ratelimit-remaining-tokens': '1',
  'anthropic-organization-id': 'org-secret',
  server: 'cloud',
  'x-request-id': `req_${apiKey}`,
  'retry-after': '7',
}

describe('what the proxy keeps to itself', () => {
  let provider: Provider
  let host: ProxyHost
  let hostWithAny: ProxyHost
  before(async () => {
    provider = await startProvider((req, res) => {
      const {
        authorization = '',
        'x-api-key': key = '',
        'x-goog-api-key': google = '',
      } = req.headers
      const echo = JSON.stringify({
        error: { message: `Incorrect API key: ${authorization}${String(key)}${String(google)}.` },
        escaped: `${apiKey}/`,
      })
      const isStream = req.headers.accept === 'text/event-stream'
      const type = isStream ? 'text/event-stream' : 'application/json'
      res.writeHead(isStream ? 200 : 401, { ...leaky, 'content-type': type })
      const text = isStream ? `data: ${echo}\n\ndata: ${echo}` : echo
      for (const char of text) res.write(char)
      res.end()
    })
    const gone = createServer()
    const nowhere = await listen(gone)
    await new Promise((resolve) => gone.close(resolve))
    host = await startHost((app, usage) => {
      const options = { apiKey, baseUrl: provider.url }
      const headers = { 'OpenAI-Project': 'proj' }
      app.use('/openai', usage.proxy({ ...options, provider: 'openai', headers }))
      app.use('/anthropic', usage.proxy({ ...options, provider: 'anthropic' }))
      app.use('/gemini', usage.proxy({ ...options, provider: 'gemini' }))
      app.use('/azure', usage.proxy({ ...options, provider: 'azure' }))
      app.use('/nowhere', usage.proxy({ provider: 'openai', apiKey, baseUrl: nowhere }))
    })
    hostWithAny = await startHost((app, usage) => {
      app.use('/any', usage.proxy({ provider: 'mine', apiKey: 'any', baseUrl: provider.url }))
    })
  })
  beforeEach(() => provider.seen.splice(0))
  after(async () => {
    await host.close()
    await hostWithAny.close()
    await provider.close()
  })

  const paths = [
    ['/openai/chat/completions', 'authorization'],
    ['/anthropic/v1/messages', 'x-api-key'],
    ['/gemini/v1beta/models/m:generateContent', 'x-goog-api-key'],
    ['/azure/deployments/m/chat/completions', 'api-key'],
  ] as const

  it('is the key, which the provider may say as often as it likes', async () => {
    for (const [path] of paths) {
      for (const accept of ['application/json', 'text/event-stream']) {
        const answer = await fetch(`${host.url}${path}`, {
          method: 'POST',
          headers: { ...bearer('alice'), accept },
          body: '{"model":"m","stream":true}',
        })
        const text = `${JSON.stringify([...answer.headers])}${await answer.text()}`
        assert.ok(!text.includes(apiKey), text)
        assert.ok(text.includes('*'.repeat(apiKey.length)))
        assert.equal(answer.status, accept === 'application/json' ? 401 : 200)
      }
    }
  })

  it('is the key in what errors and logs say, and in what is stored', async () => {
    const error = await rejection(
      openai(`${host.url}/openai`, 'sdk').chat.completions.create({ model: 'm', messages: [] }),
    )
    const lost = await rejection(
      openai(`${host.url}/nowhere`, 'sdk').chat.completions.create({ model: 'm', messages: [] }),
    )
    await host.usage.flush()
    const stored = await host.database.connection.collection('usage_logs').find().toArray()
    assert.ok(stored.length > 1)
    assert.ok(host.lines.some((line) => line.includes('upstream_unreachable')))
    for (const said of [error, lost, host.lines, stored]) {
      assert.ok(!inspect(said, { depth: 10 }).includes(apiKey))
    }
  })

  it('is the key in the complaint about bad options', () => {
    const bad = [
      { provider: 'openai', apiKey: `${apiKey}\n` },
      { provider: 'openai', apiKey, baseUrl: `https://user:${apiKey}@host/` },
      { provider: 'openai', apiKey, userSecret: 'short' },
      { provider: 'openai', apiKey, headers: { 'x-key': `${apiKey}\n` } },
      { provider: 'openai', apiKey, nonsense: apiKey },
      { provider: 'openai' },
      { provider: 'unheard-of', apiKey },
    ]
    for (const options of bad) {
      assert.throws(
        () => host.usage.proxy(options),
        (error: unknown) =>
          inspect(error).includes('invalid_option') && !inspect(error).includes(apiKey),
        JSON.stringify(Object.keys(options)),
      )
    }
  })

  it("is the caller's token, cookies and address, wherever the SDK put the token", async () => {
    const own = token('bob')
    for (const [path, keyHeader] of paths) {
      const places = [
        [{ authorization: `Bearer ${own}` }, ''],
        [{ 'x-api-key': own }, ''],
        [{ 'x-goog-api-key': own }, ''],
        [{ 'api-key': own }, ''],
        [{}, `?alt=sse&key=${own}&%6Bey=${own}&$httpHeaders=x&api_key=${own}`],
      ] as const
      for (const [credentials, query] of places) {
        const answer = await fetch(`${host.url}${path}${query}`, {
          method: 'POST',
          headers: {
            ...credentials,
            cookie: 'session=mine',
            'x-forwarded-for': '10.0.0.1',
            'openai-organization': 'org-other',
            'x-custom': 'custom',
            te: 'trailers',
          },
          body: '{"model":"m"}',
        })
        assert.equal(answer.status, 401, 'the 401 of the provider')
        assert.match(await answer.text(), /Incorrect API key/)
        const seen = provider.seen.at(-1)
        assert.ok(seen)
        const all = JSON.stringify([seen.url, seen.headers])
        for (const secret of [own, 'mine', '10.0.0.1', 'org-other', 'custom', 'httpHeaders']) {
          assert.ok(!all.includes(secret), secret)
        }
        if (query !== '') assert.ok(seen.url.endsWith('?alt=sse'))
        const value = seen.headers[keyHeader]
        assert.equal(value, keyHeader === 'authorization' ? `Bearer ${apiKey}` : apiKey)
        if (path.startsWith('/openai')) assert.equal(seen.headers['openai-project'], 'proj')
      }
    }
    const events = await host.events('bob')
    assert.equal(events.length, provider.seen.length)
  })

  it("is the provider's cookies, account and limits", async () => {
    const answer = await fetch(`${host.url}/openai/models`, { headers: bearer('alice') })
    assert.equal(answer.headers.get('retry-after'), '7')
    assert.equal(answer.headers.get('x-request-id'), `req_${'*'.repeat(apiKey.length)}`)
    const hidden = Object.keys(leaky).slice(0, 5)
    for (const name of hidden) assert.equal(answer.headers.get(name), null, name)
    await answer.text()
  })

  it('is no secret when the key is a place-holder, which answers may contain', async () => {
    const answer = await fetch(`${hostWithAny.url}/any/models`, { headers: bearer('alice') })
    assert.match(await answer.text(), /Bearer any/)
  })
})
