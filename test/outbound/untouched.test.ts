import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import axios from 'axios'
import OpenAI from 'openai'
import { request as undiciRequest } from 'undici'
import { startApp, type TestApp } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'
import { operation, startProvider, type Answer, type Provider } from './support.js'

const sse = { 'content-type': 'text/event-stream' }
const stream = payload('openai-chat/stream-include-usage.sse')
/** What providers do; the last ones go wrong. */
const answers: Record<string, Answer> = {
  'a body': (_req, res) => res.setHeader('x-a', 'b').end(payload('openai-chat/completion.json')),
  'a stream': (_req, res) => {
    res.writeHead(200, sse)
    for (let at = 0; at < stream.length; at += 333) res.write(stream.subarray(at, at + 333))
    res.end()
  },
  'a gzipped stream': (_req, res) => {
    res.writeHead(200, { ...sse, 'content-encoding': 'gzip' }).end(gzipSync(stream))
  },
  nothing: (_req, res) => res.writeHead(204).end(),
  'early hints': (_req, res) => {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' })
    res.end(payload('openai-chat/completion.json'))
  },
  'a refusal': (_req, res) => {
    res.writeHead(429, { 'retry-after': '1' }).end(payload('openai-chat/error-429.json'))
  },
  'bytes that are no JSON': (_req, res) =>
    res.setHeader('content-type', 'application/json').end('{"a'),
  'damaged gzip': (_req, res) => {
    res.writeHead(200, { ...sse, 'content-encoding': 'gzip' }).end(Buffer.alloc(100, 7))
  },
  'a cut in the middle': (_req, res) => {
    res.writeHead(200, { ...sse, 'content-length': stream.length })
    res.write(stream.subarray(0, 500), () => setTimeout(() => res.destroy(), 20))
  },
  'no answer': (_req, res) => void res.destroy(),
}

type Ask = (url: string) => Promise<unknown>
const body = '{"model":"gpt-4o"}'
const digest = (bytes: ArrayBuffer | string) =>
  createHash('sha256')
    .update(typeof bytes === 'string' ? bytes : Buffer.from(bytes))
    .digest('hex')
const headersOf = (headers: Iterable<[string, unknown]>) =>
  [...headers].filter(([name]) => name !== 'date').sort()
/** All that a host can see of a call. */
const asks: Record<string, Ask> = {
  fetch: async (url) => {
    const response = await fetch(url, { method: 'POST', body })
    const { status, headers, ok, redirected } = response
    const seen = { status, ok, redirected, headers: headersOf(headers) }
    return { ...seen, body: digest(await response.arrayBuffer()) }
  },
  'undici request': async (url) => {
    const response = await undiciRequest(url, { method: 'POST', body })
    const headers = headersOf(Object.entries(response.headers))
    return { status: response.statusCode, headers, body: digest(await response.body.arrayBuffer()) }
  },
  axios: async (url) => {
    const { status, headers, data } = await axios.post<string>(url, body, {
      responseType: 'text',
      transformResponse: (text: string) => text,
    })
    return { status, headers: headersOf(Object.entries(headers)), body: digest(data) }
  },
  openai: async (url) => {
    const client = new OpenAI({
      apiKey: 'any',
      baseURL: `${url}/..`,
      maxRetries: 0,
      logLevel: 'off',
    })
    const chunks: unknown[] = []
    const options = { model: 'gpt-4o', messages: [] }
    const answer = await client.chat.completions.create({ ...options, stream: true })
    for await (const chunk of answer) chunks.push(chunk)
    return chunks
  },
}

describe('a provider call that is observed', () => {
  let provider: Provider
  const apps: TestApp[] = []
  let task: (url: string) => Promise<unknown>
  let seen: unknown
  before(async () => {
    provider = await startProvider((_req, res) => res.end())
    for (const outbound of [{ hosts: [provider.url] }, false]) {
      const app = await startApp(
        (host) => {
          host.post('/ai/chat', async (_req, res) => {
            seen = await task(`${provider.url}/v1/chat/completions`).catch((error: unknown) =>
              told(error),
            )
            res.json({ reply: 'yes' })
          })
        },
        { capture: { outbound } },
      )
      apps.push(app)
    }
  })
  after(async () => {
    for (const app of apps) await app.close()
    await provider.close()
  })

  const [observed, alone] = [() => apps[0] as TestApp, () => apps[1] as TestApp]
  const through = async (app: TestApp, user: string) => {
    seen = undefined
    const event = await operation(app, user)
    return { seen, event }
  }

  for (const [client, ask] of Object.entries(asks)) {
    it(`looks to ${client} as it does otherwise, whatever the provider does`, async () => {
      for (const [name, answer] of Object.entries(answers)) {
        provider.answer = answer
        task = ask
        const tapped = await through(observed(), `${client} ${name}`)
        const without = await through(alone(), `${client} ${name}`)
        assert.deepEqual(tapped.seen, without.seen, name)
        assert.notEqual(tapped.seen, undefined, name)
      }
    })
  }

  const readers: Record<string, (url: string, pause: () => Promise<void>) => Promise<number>> = {
    fetch: async (url, pause) => {
      const { body: answer } = await fetch(url, { method: 'POST', body })
      return readSlowly(answer ?? [], pause)
    },
    'undici request': async (url, pause) => {
      const { body: answer } = await undiciRequest(url, { method: 'POST', body })
      return readSlowly(answer, pause)
    },
    http: (url, pause) =>
      new Promise((resolve, reject) => {
        const request = httpRequest(url, { method: 'POST' }, (response) => {
          readSlowly(response, pause).then(resolve, reject)
        })
        request.end(body)
      }),
  }

  for (const [client, read] of Object.entries(readers)) {
    it(`keeps the provider waiting while ${client} reads slowly`, async () => {
      const size = 64 * 1024 * 1024
      let written = 0
      provider.answer = (_req, res) => {
        res.writeHead(200, sse)
        const chunk = Buffer.from(`: ${'x'.repeat(65_533)}\n`)
        const next = (): void => {
          while (written < size) {
            written += chunk.length
            if (!res.write(chunk)) return void res.once('drain', next)
          }
          res.end()
        }
        next()
      }
      for (const app of [observed(), alone()]) {
        written = 0
        let whilePaused = 0
        task = (url) =>
          read(url, async () => {
            await sleep(400)
            whilePaused = written
          })
        const { seen: bytes, event } = await through(app, `${client} slow`)
        assert.equal(bytes, size)
        assert.ok(
          whilePaused < size / 4,
          `${whilePaused} bytes went out to a reader that reads none`,
        )
        assert.equal(event.status, 'ok')
      }
    })
  }
})

/** One chunk, a pause, then the rest. */
async function readSlowly(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pause: () => Promise<void>,
): Promise<number> {
  let bytes = 0
  for await (const chunk of chunks) {
    if (bytes === 0) await pause()
    bytes += chunk.length
  }
  return bytes
}

/** What of an error is not a port or a stack. */
function told(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code: unknown = Reflect.get(error, 'code')
  return { name: error.name, code, message: error.message, cause: told(error.cause) }
}
