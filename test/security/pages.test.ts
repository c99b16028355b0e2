import assert from 'node:assert/strict'
import express from 'express'
import { operations } from '../contract/spec.js'
import { as, pathOf } from '../contract/world.js'
import { startApp, type TestApp } from '../helpers/app.js'
import { rawClient, type RawAnswer } from './raw.js'

const script = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'>'
const encoded = encodeURIComponent(script)

/** Types that a browser makes no page of. */
const inert =
  /^(?:application\/(?:json|problem\+json|x-ndjson|yaml)|text\/event-stream|text\/plain)\b/

describe('answers with names that are HTML', () => {
  let app: TestApp
  let client: ReturnType<typeof rawClient>
  before(async () => {
    app = await startApp((host) => {
      host.use(express.json())
      host.post('/ai/chat', (_req, res) => void res.json({ ok: true, usage: { total_tokens: 3 } }))
    })
    const name = { user_id: script, model: script, provider: script, org_id: script, tier: script }
    const job = { ...name, operation_type: 'chat', input_tokens: 5, conversation_id: script }
    for (let i = 0; i < 3; i++) await app.usage.record(job)
    await app.usage.flush()
    client = rawClient(app.url)
  })
  after(async () => {
    client.close()
    await app.close()
  })

  const isInert = ({ headers, body, status }: RawAnswer, where: string) => {
    assert.equal(headers['x-content-type-options'], 'nosniff', where)
    if (status !== 204) assert.match(String(headers['content-type']), inert, where)
    return body
  }
  const admin = ['Authorization', as.admin.authorization]

  it('are data to a browser, on every route and in every problem', async () => {
    let shown = 0
    for (const { method, path, parameters, ...rest } of operations) {
      const own = path.replace(/\{\w+\}/g, encoded)
      for (const suffix of ['', `?q=${encoded}`, `?${encoded}=1`, `?cursor=${encoded}`]) {
        if (path === '/realtime/stream' || path === '/docs') continue
        for (const headers of [admin, [], ['Authorization', `Bearer ${script}`]]) {
          const answer = await client.ask(method, own + suffix, headers)
          if (isInert(answer, `${method} ${own}${suffix}`).includes('<script>')) shown += 1
        }
      }
      const other = await client.ask('PUT', pathOf({ method, path, parameters, ...rest }), admin)
      assert.equal(other.status, 405)
      isInert(other, `PUT ${path}`)
    }
    assert.ok(shown > 0, 'the names are in no answer at all')
    for (const path of [`/${encoded}`, '/docs/nothing', `/docs/${encoded}`, '/%']) {
      assert.doesNotMatch(isInert(await client.ask('GET', path, admin), path), /<script>|<img/)
    }
  })

  it('are data in the refusals of tracked routes, and in /health', async () => {
    for (const [path, headers] of [
      ['/health', {}],
      ['/ai/usage/health', {}],
    ] as const) {
      const response = await fetch(app.url + path, { headers })
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff', path)
      assert.doesNotMatch(await response.text(), /script/)
    }
    const strict = await startApp(
      (host) => host.post('/ai/chat', (_req, res) => void res.json({})),
      { anonymous: 'refuse', plans: { free: { limits: [] } } },
    )
    const response = await fetch(`${strict.url}/ai/chat?${encoded}`, {
      method: 'POST',
      headers: { authorization: 'Bearer <script>' },
    })
    assert.equal(response.status, 401)
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff')
    assert.doesNotMatch(await response.text(), /script/)
    await strict.close()
  })

  it('are no part of the page of /docs, wherever it is mounted', async () => {
    const host = express()
    host.use('/:mount', app.usage.router())
    const server = host.listen(0)
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    for (const mount of [encoded, `${encoded}"onload="x`, 'a', '%22%3E%3Cscript%3E']) {
      for (const suffix of ['', '/', `?${encoded}`, `?url=https://evil.example/x.yaml`]) {
        const response = await fetch(`http://127.0.0.1:${port ?? 0}/${mount}/docs${suffix}`)
        const page = await response.text()
        assert.equal(response.status, 200)
        assert.doesNotMatch(page, /<img|<script>[^<\s]|["\s]on\w+=|evil/, mount + suffix)
      }
    }
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
