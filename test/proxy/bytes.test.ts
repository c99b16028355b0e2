import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { bearer } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'
import { apiKey, startHost, startProvider, type Provider, type ProxyHost } from './support.js'

const mebibyte = 1024 * 1024
const withUsage = payload('openai-chat/stream-include-usage.sse')
const withoutUsage = payload('openai-chat/stream-no-usage.sse')

/** What the fixture with usage is without being asked for it. */
const unasked = Buffer.from(
  withUsage
    .toString()
    .replace(/data: [^\n]*"choices":\[\],"usage":\{[^\n]*\n\n/, '')
    .replaceAll('"usage":null,', ''),
)

describe('what passes through the proxy', () => {
  let provider: Provider
  let host: ProxyHost
  /** How many bytes the provider's stream is cut into at a time. */
  let cut = 1000
  let written = 0
  let uploaded = 0
  let mostUploaded = 0
  before(async () => {
    provider = await startProvider((req, res, body) => {
      if (req.url === '/v1/audio/speech') {
        void pour()
        return
      }
      if (req.url === '/v1/embeddings') {
        res.setHeader('content-encoding', 'gzip').setHeader('content-type', 'application/json')
        res.end(gzipSync(payload('openai-chat/completion.json')))
        return
      }
      if (req.url?.startsWith('/v1/chat/completions') !== true) {
        res.end('{}')
        return
      }
      const isAsked = body.includes('include_usage":true')
      const crlf = body.includes('crlf')
      const stream = (isAsked ? withUsage : withoutUsage).toString()
      const bytes = Buffer.from(crlf ? stream.replaceAll('\n', '\r\n') : stream)
      res.setHeader('content-type', 'text/event-stream; charset=utf-8')
      for (let at = 0; at < bytes.length; at += cut) res.write(bytes.subarray(at, at + cut))
      res.end()

      async function pour() {
        res.setHeader('content-type', 'audio/mpeg')
        const chunk = Buffer.alloc(64 * 1024, 1)
        for (written = 0; written < 64 * mebibyte; written += chunk.length) {
          if (!res.write(chunk)) await new Promise((resolve) => res.once('drain', resolve))
        }
        res.end()
      }
    })
    host = await startHost((app, usage) => {
      const options = { provider: 'openai', apiKey, baseUrl: `${provider.url}/v1` }
      app.use('/ai', usage.proxy(options))
      app.use('/silent', usage.proxy({ ...options, includeUsage: false }))
    })
  })
  beforeEach(() => provider.seen.splice(0))
  after(async () => {
    await host.close()
    await provider.close()
  })

  const post = (path: string, body: string | Buffer, user = 'alice', type = 'application/json') =>
    fetch(`${host.url}${path}`, {
      method: 'POST',
      headers: { ...bearer(user), 'content-type': type },
      body,
    })

  it('is a stream, to the byte, wherever the provider cuts it', async () => {
    assert.ok(unasked.length < withUsage.length && !unasked.includes('"usage"'))
    for (cut of [1, 2, 7, 100, 1000, 100_000]) {
      const answer = await post('/ai/chat/completions', '{"model":"m","messages":[],"stream":true}')
      assert.equal(await answer.text(), unasked.toString(), `cut at ${cut}`)
    }
    cut = 5
    const crlf = await post('/ai/chat/completions', '{"model":"crlf","stream":true}')
    assert.equal(await crlf.text(), unasked.toString().replaceAll('\n', '\r\n'))
  })

  it('is left alone where the client asks for usage, or the host wants none', async () => {
    const asks = '{"model":"m","stream":true,"stream_options":{"include_usage":true}}'
    assert.equal(await (await post('/ai/chat/completions', asks)).text(), withUsage.toString())
    assert.equal(provider.seen[0]?.body.toString(), asks)
    const silent = await post('/silent/chat/completions', '{"model":"m","stream":true}')
    assert.equal(await silent.text(), withoutUsage.toString())
  })

  it('is a body of which nothing but the addition differs', async () => {
    const odd = '{ "n":1.0e2,"model" : "\\u00e9\\/",  "seed":12345678901234567890, "stream":true }'
    await (await post('/ai/chat/completions', odd)).text()
    assert.equal(
      provider.seen[0]?.body.toString(),
      odd.replace('true }', 'true,"stream_options":{"include_usage":true} }'),
    )
    const plain = odd.replace('true', 'false')
    await (await post('/ai/chat/completions', plain)).text()
    assert.equal(provider.seen[1]?.body.toString(), plain)
    const partly = '{"stream_options":{"include_obfuscation":false},"stream":true,"model":"m"}'
    await (await post('/ai/chat/completions', partly)).text()
    assert.equal(
      provider.seen[2]?.body.toString(),
      partly.replace('false}', 'false,"include_usage":true}'),
    )
  })

  it('is plain where a provider compresses unasked', async () => {
    const answer = await post('/ai/embeddings', '{"model":"m","input":"x"}', 'zip')
    assert.equal(answer.headers.get('content-encoding'), null)
    assert.deepEqual(
      Buffer.from(await answer.arrayBuffer()),
      payload('openai-chat/completion.json'),
    )
    assert.equal((await host.event('zip')).tokens_used, 1163)
  })

  it('is multipart, unread and unchanged, as it comes', async () => {
    const form = Buffer.concat([
      Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'),
      Buffer.alloc(mebibyte, 0xff),
      Buffer.from('\r\n--b--\r\n'),
    ])
    const type = 'multipart/form-data; boundary=b'
    const answer = await post('/ai/audio/transcriptions', form, 'form', type)
    assert.equal(answer.status, 200)
    await answer.text()
    const [seen] = provider.seen
    assert.ok(seen)
    assert.ok(seen.body.equals(form))
    assert.equal(seen.headers['content-type'], type)
    const event = await host.event('form')
    assert.equal(event.operation_type, 'transcription')
    assert.equal(event.tokens_used, 0)
  })

  it('waits for a client that reads slowly', async () => {
    const head = Object.entries({ host: 'x', 'content-length': '2', ...bearer('slow') })
    const lines = head.map(([name, value]) => `${name}: ${value}`)
    const socket = connect(host.port, '127.0.0.1')
    socket.write(`POST /ai/audio/speech HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n{}`)
    await once(socket, 'readable')
    await sleep(300)
    const stalled = written
    assert.ok(stalled < 32 * mebibyte, `${stalled} bytes written to a client that does not read`)
    await sleep(200)
    assert.equal(written, stalled)
    socket.destroy()
    const event = await host.event('slow')
    assert.equal(event.status, 'aborted')
  })

  it('waits for a provider that reads slowly', async () => {
    const slow = createServer((req, res) => {
      req.once('data', (chunk: Buffer) => {
        uploaded += chunk.length
        req.pause()
        setTimeout(() => {
          req.on('data', (more: Buffer) => (uploaded += more.length))
          req.on('end', () => res.end('{}'))
          req.resume()
        }, 400)
      })
    })
    slow.listen(0, '127.0.0.1')
    await once(slow, 'listening')
    const address = slow.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const options = { provider: 'mine', baseUrl: `http://127.0.0.1:${port}` }
    const own = await startHost((app, usage) => app.use('/ai', usage.proxy(options)))
    const upload = request(`${own.url}/ai/audio/transcriptions`, {
      method: 'POST',
      headers: { ...bearer('up'), 'content-type': 'multipart/form-data; boundary=b' },
    })
    const answered = once(upload, 'response')
    const chunk = Buffer.alloc(64 * 1024)
    let sent = 0
    const began = Date.now()
    for (; sent < 64 * mebibyte; sent += chunk.length) {
      if (!upload.write(chunk)) await once(upload, 'drain')
      if (Date.now() - began < 300) mostUploaded = sent
    }
    upload.end()
    await answered
    assert.ok(mostUploaded < 32 * mebibyte, `${mostUploaded} bytes taken that nobody read`)
    assert.equal(uploaded, sent)
    await own.close()
    slow.closeAllConnections()
    slow.close()
  })
})
