import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import axios from 'axios'
import nodeFetch from 'node-fetch'
import { Agent, fetch as undiciFetch, request as undiciRequest } from 'undici'
import { startApp, type TestApp } from '../helpers/app.js'
import { expected, payload, type Expected } from '../helpers/fixtures.js'
import { operation, startProvider, type Answer, type Provider } from './support.js'

/** How a host may ask; each answers the bytes it saw, to be compared with what was sent. */
type Ask = (url: string, body: string) => Promise<Buffer>

const json = { 'content-type': 'application/json' }
const asks: Record<string, Ask> = {
  fetch: async (url, body) => {
    const response = await fetch(url, { method: 'POST', headers: json, body })
    return Buffer.from(await response.arrayBuffer())
  },
  'undici fetch': async (url, body) => {
    const response = await undiciFetch(url, { method: 'POST', headers: json, body })
    return Buffer.from(await response.arrayBuffer())
  },
  'undici request': async (url, body) => {
    const dispatcher = new Agent({ connections: 2 })
    const response = await undiciRequest(url, { method: 'POST', headers: json, body, dispatcher })
    const bytes = Buffer.from(await response.body.arrayBuffer())
    await dispatcher.close()
    return bytes
  },
  http: (url, body) =>
    new Promise((resolve, reject) => {
      const request = httpRequest(url, { method: 'POST', headers: json }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve(Buffer.concat(chunks)))
      })
      request.on('error', reject)
      request.write(body.slice(0, 5))
      setTimeout(() => request.end(body.slice(5)), 2)
    }),
  axios: async (url, body) => {
    const options = { headers: json, responseType: 'arraybuffer', validateStatus: null } as const
    const response = await axios.post<ArrayBuffer>(url, body, options)
    return Buffer.from(response.data)
  },
  'node-fetch': async (url, body) => {
    const response = await nodeFetch(url, { method: 'POST', headers: json, body })
    return Buffer.from(await response.arrayBuffer())
  },
}

const families = ['openai-chat/', 'openai-responses/', 'anthropic/']
const cases = Object.entries(expected).filter(([name]) =>
  families.some((family) => name.startsWith(family)),
)

/** Ways in which a body may come. */
const ways: Record<string, (want: Expected, bytes: Buffer) => Answer> = {
  whole: (want, bytes) => (_req, res) => {
    res.writeHead(want.status ?? 200, { 'content-type': want.content_type }).end(bytes)
  },
  gzipped: (want, bytes) => (_req, res) => {
    const headers = { 'content-type': want.content_type, 'content-encoding': 'gzip' }
    res.writeHead(want.status ?? 200, headers).end(gzipSync(bytes))
  },
  'in small chunks': (want, bytes) => (_req, res) => {
    res.writeHead(want.status ?? 200, { 'content-type': want.content_type })
    let at = 0
    const next = () => {
      if (at >= bytes.length) res.end()
      else res.write(bytes.subarray(at, (at += 97)), () => setImmediate(next))
    }
    next()
  },
}

describe('a provider call inside a handler that answers only { reply }', () => {
  let provider: Provider
  let app: TestApp
  let ask: Ask
  let seen: Buffer
  before(async () => {
    provider = await startProvider((_req, res) => res.end())
    app = await startApp(
      (host) => {
        host.post('/ai/chat', async (_req, res) => {
          const model = 'asked-for'
          const messages = [{ role: 'user', content: 'Where to in May?' }]
          seen = await ask(
            `${provider.url}/v1/chat/completions`,
            JSON.stringify({ model, messages }),
          )
          res.json({ reply: 'Lisbon.' })
        })
      },
      { capture: { outbound: { hosts: [provider.url] } } },
    )
  })
  after(async () => {
    await app.close()
    await provider.close()
  })

  for (const [name, want] of cases) {
    for (const [client, by] of Object.entries(asks)) {
      it(`is recorded from ${name} by ${client}`, async () => {
        for (const [way, answer] of Object.entries(ways)) {
          provider.answer = answer(want, payload(name))
          ask = by
          const event = await operation(app, `${name} ${client} ${way}`)
          const isRaw = client === 'undici request' || client === 'http'
          const isGzipped = way === 'gzipped' && isRaw
          assert.deepEqual(seen, isGzipped ? gzipSync(payload(name)) : payload(name), way)
          check(event, want, way)
        }
      })
    }
  }
})

function check(event: Awaited<ReturnType<typeof operation>>, want: Expected, way: string): void {
  assert.equal(event.attempts, 1, way)
  assert.equal(event.status, 'ok', way)
  if (want.status !== undefined) {
    assert.equal(event.token_source, 'none', way)
    assert.equal(event.tokens_used, 0, way)
    assert.equal(event.model, 'asked-for', way)
    return
  }
  assert.equal(event.model, want.model, way)
  assert.equal(event.provider, want.provider, way)
  if (want.usage === null) {
    assert.equal(event.token_source, 'tokenizer', way)
    assert.ok(event.input_tokens > 0 && event.output_tokens > 0, way)
    return
  }
  const { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens } =
    event
  const figures = {
    ...{ input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens },
  }
  assert.deepEqual(figures, want.usage, way)
  assert.equal(event.token_source, 'provider', way)
}
