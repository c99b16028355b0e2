import assert from 'node:assert/strict'
import { connect } from 'node:net'
import express from 'express'
import fc from 'fast-check'
import { bearer, secret, token } from '../helpers/app.js'
import { mintToken } from '../../scripts/mint-token.js'
import { apiKey, startHost, startProvider, type Provider, type ProxyHost } from './support.js'

interface Problem {
  type: string
  code: string
  status: number
  detail: string
  error: { message: string; code: string }
}

describe('what the proxy refuses', () => {
  let provider: Provider
  let host: ProxyHost
  before(async () => {
    provider = await startProvider((_req, res) => {
      res.setHeader('content-type', 'application/json').end('{}')
    })
    host = await startHost((app, usage) => {
      const options = { provider: 'openai', apiKey, baseUrl: `${provider.url}/v1/` }
      app.use('/ai', usage.proxy({ ...options, maxBodyBytes: 2048 }))
      const models = ['gpt-4o-mini', 'claude-*', 'm/*']
      app.use('/few', usage.proxy({ ...options, models }))
      app.use('/few-or', usage.proxy({ ...options, provider: 'openrouter', models }))
      app.use('/few-gem', usage.proxy({ ...options, provider: 'gemini', models: ['gemini-2.5-*'] }))
      app.use('/azure', usage.proxy({ ...options, provider: 'azure', models: ['gpt-*'] }))
      const paths = [{ path: '/chat/completions', type: 'ask' }, { path: '/files/:id' }]
      app.use('/own', usage.proxy({ ...options, paths }))
      app.use('/open', usage.proxy({ ...options, anonymous: 'track' }))
      app.use('/eaten', (req, _res, next) => req.resume().once('end', next), usage.proxy(options))
      app.use('/small', express.json({ limit: 100 }), usage.proxy(options))
    })
  })
  beforeEach(() => provider.seen.splice(0))
  after(async () => {
    await host.close()
    await provider.close()
  })

  const post = (path: string, body: string, headers: Record<string, string> = bearer('alice')) =>
    fetch(`${host.url}${path}`, { method: 'POST', headers, body })
  const refused = async (answer: Response, status: number, code: string) => {
    assert.equal(answer.status, status)
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/)
    const problem = (await answer.json()) as Problem
    assert.equal(problem.code, code)
    assert.equal(problem.status, status)
    assert.equal(problem.error.message, problem.detail)
    assert.equal(provider.seen.length, 0)
  }

  it('is callers without a valid token, who are metered', async () => {
    const chat = '/ai/chat/completions'
    const none = await post(chat, '{"model":"m"}', {})
    assert.match(none.headers.get('www-authenticate') ?? '', /^Bearer/)
    await refused(none, 401, 'unauthorized')
    await refused(await post(chat, '{}', { authorization: 'Bearer sk-own' }), 401, 'unauthorized')
    await refused(await post(chat, '{}', { 'x-api-key': 'sk-own' }), 401, 'unauthorized')
    const who = { user: 's', role: 'service' } as const
    const service = mintToken({ secret, ...who, ttlSeconds: 60, now: Date.now() })
    await refused(await post(chat, '{}', { authorization: `Bearer ${service}` }), 403, 'forbidden')
    const events = await host.events('anonymous')
    assert.deepEqual(events.map(({ status_code }) => status_code).toSorted(), [401, 401, 401, 403])
    assert.ok(events.every(({ tokens_used, success }) => tokens_used === 0 && !success))
  })

  it('lets nobody in particular in where the host says so', async () => {
    const answer = await post('/open/chat/completions', '{"model":"m"}', {})
    assert.equal(answer.status, 200)
    const bad = await post('/open/chat/completions', '{}', { authorization: 'Bearer nonsense' })
    assert.equal(bad.status, 401)
  })

  it('is on Azure what no deployment has, or not this one', async () => {
    const below = (model: string, path: string) => post(`/azure/deployments/${model}${path}`, '{}')
    await refused(await below('o3', '/completions'), 403, 'model_not_allowed')
    await refused(await below('gpt-4o', '/moderations'), 403, 'path_not_allowed')
    for (const path of ['/completions', '/images/generations', '/audio/speech'])
      assert.equal((await below('gpt-4o', path)).status, 200)
    const types = (await host.events('alice')).map(({ operation_type }) => operation_type)
    for (const type of ['completion', 'image', 'speech']) assert.ok(types.includes(type), type)
  })

  it('is paths that are not on the list, or with another method', async () => {
    for (const path of [
      '/files',
      '/fine_tuning/jobs',
      '/organization/users',
      '/responses/resp_1',
    ]) {
      await refused(await post(`/ai${path}`, '{}'), 403, 'path_not_allowed')
    }
    await refused(await post('/ai/Chat/Completions', '{}'), 403, 'path_not_allowed')
    await refused(await post('/own/embeddings', '{}'), 403, 'path_not_allowed')
    const wrong = await fetch(`${host.url}/ai/chat/completions`, { headers: bearer('alice') })
    assert.equal(wrong.headers.get('allow'), 'POST')
    await refused(wrong, 405, 'method_not_allowed')
    const own = await fetch(`${host.url}/own/files/f_1`, { headers: bearer('alice') })
    assert.equal(own.status, 200)
    assert.equal(provider.seen[0]?.url, '/v1/files/f_1')
  })

  /** The status of a request whose target is written as given. */
  const raw = (target: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const head = `POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n`
      const socket = connect(host.port, '127.0.0.1', () => {
        socket.write(`${head}authorization: Bearer ${token('escape')}\r\n\r\n{}`)
      })
      let text = ''
      socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      socket.on('error', reject).once('close', () => resolve(Number(text.slice(9, 12))))
    })

  it('is every way out of the base URL', async () => {
    const escapes = [
      '/ai/../v1/files',
      '/ai/..%2fadmin',
      '/ai/%2e%2e/files',
      '/ai/%252e%252e/files',
      '/ai//evil.example/chat/completions',
      '/ai/chat//completions',
      '/ai/chat%2fcompletions',
      '/ai/chat\\completions',
      '/ai/chat%5ccompletions',
      '/ai/./chat/completions',
      '/ai/chat/completions/',
      '/ai/chat/completions%00',
      '/ai/chat/completions%0d%0aHost:%20evil',
      '/ai/chat/completions;x',
      '/ai/@evil.example/chat/completions',
      '/ai/%E0%A4%A/chat',
      '/ai/models/..',
      '/ai/models/..%2f..%2fadmin',
      `http://evil.example/ai/chat/completions`,
      `${provider.url}/v1/chat/completions`,
    ]
    for (const target of escapes) {
      const status = await raw(target)
      assert.ok(status >= 400 && status < 500, `${target} is answered with ${status}`)
    }
    assert.equal(provider.seen.length, 0)
    assert.equal((await host.events('escape')).length, 0)
  })

  it('sends nothing but listed paths, whatever is asked for', async () => {
    const pieces = fc.constantFrom(
      ...[
        '/',
        '.',
        '..',
        '%2f',
        '%2e',
        '\\',
        '@',
        ':',
        '%',
        '//',
        'chat',
        'completions',
        'models',
        'x',
      ],
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 8 }), async (parts) => {
        await raw(`/ai/${parts.join('')}`)
        for (const { url, method } of provider.seen) {
          assert.equal(method, 'POST')
          assert.match(url, /^\/v1\/(?:chat\/)?completions$/)
        }
      }),
      { numRuns: 150 },
    )
  })

  it('is models that are not on the list, and calls that hide theirs', async () => {
    const chat = '/few/chat/completions'
    const bodies = [
      '{"model":"gpt-4o"}',
      '{"model":"gpt-4o-mini-2"}',
      '{}',
      '{"model":["gpt-4o-mini"]}',
      '{"model":null}',
    ]
    for (const body of bodies) {
      await refused(await post(chat, body), 403, 'model_not_allowed')
    }
    const twice = '{"model":"gpt-4o-mini","mod\\u0065l":"gpt-4o"}'
    await refused(await post(chat, twice), 400, 'invalid_body')
    const form = { ...bearer('alice'), 'content-type': 'multipart/form-data; boundary=b' }
    const upload = await post('/few/audio/transcriptions', '--b--', form)
    await refused(upload, 403, 'model_not_allowed')
    for (const body of [
      '{"model":"m/a","models":["m/b","evil"]}',
      '{"model":"m/a","preset":"evil"}',
      '{"model":"m/a","models":"evil"}',
    ]) {
      await refused(await post('/few-or/chat/completions', body), 403, 'model_not_allowed')
    }
    const gem = '/few-gem/v1beta/models/gemini-3-pro:generateContent'
    await refused(await post(gem, '{}'), 403, 'model_not_allowed')
    for (const [path, body] of [
      [chat, '{"model":"gpt-4o-mini"}'],
      [chat, '{"model":"claude-haiku-4-5"}'],
      ['/few-or/chat/completions', '{"models":["m/a","m/b"]}'],
      ['/few-gem/v1beta/models/gemini-2.5-flash:generateContent', '{}'],
    ] as const) {
      assert.equal((await post(path, body)).status, 200)
    }
  })

  it('is bodies that are too large, no JSON, compressed or read by somebody else', async () => {
    const chat = '/ai/chat/completions'
    const large = JSON.stringify({ model: 'm', text: 'x'.repeat(3000) })
    await refused(await post(chat, large), 413, 'body_too_large')
    const streamed = await fetch(`${host.url}${chat}`, {
      method: 'POST',
      headers: bearer('alice'),
      body: new Blob([large]).stream(),
      duplex: 'half',
    })
    await refused(streamed, 413, 'body_too_large')
    const deep = `{"model":${'['.repeat(500)}${']'.repeat(500)}}`
    for (const body of [deep, '', '[]', '"x"', '{"a":', 'model=x']) {
      await refused(await post(chat, body), 400, 'invalid_body')
    }
    const gzip = { ...bearer('alice'), 'content-encoding': 'gzip' }
    await refused(await post(chat, '{}', gzip), 400, 'invalid_body')
    await refused(await post('/eaten/chat/completions', '{}'), 400, 'invalid_body')
    const json = { ...bearer('alice'), 'content-type': 'application/json' }
    const parser = await post('/small/chat/completions', large, json)
    assert.equal(parser.status, 413)
  })

  it('leaves preflights to the host', async () => {
    const answer = await fetch(`${host.url}/ai/chat/completions`, { method: 'OPTIONS' })
    assert.equal(answer.status, 404)
    assert.equal(provider.seen.length, 0)
  })
})
