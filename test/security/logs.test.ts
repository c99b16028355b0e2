import assert from 'node:assert/strict'
import express from 'express'
import { createProblemHandler } from '../../middleware/problem.js'
import { parseOptions, type UsageOptions } from '../../src/options.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { keptLines } from './lines.js'

const forged = '\r\n2026-01-01 [error] forged\n\x1b[2J\x1b[31m\x9b31m\u2028\u2029\u202e\0\ud800'
const secretText = 'canary of a prompt'

describe('lines of the log', () => {
  let app: TestApp | undefined
  const { lines, logger } = keptLines()
  afterEach(async () => {
    await app?.close()
    app = undefined
    for (const line of lines.splice(0)) {
      assert.match(line, /^[^\p{C}\p{Zl}\p{Zp}]+$/u)
      assert.ok(!line.includes(secretText), line)
      assert.ok(line.length <= 5_000)
    }
  })
  const start = async (options: Partial<UsageOptions>) => {
    app = await startApp(
      (host, usage) => {
        host.use(express.json())
        host.post('/ai/chat', (req, res) => {
          usage.annotate(req, req.body as object)
          res.json({ ok: true })
        })
      },
      { logger, ...options },
    )
    return app
  }
  const chat = async (headers: Record<string, string> = {}, body: object = {}) => {
    const response = await fetch(`${app?.url ?? ''}/ai/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    assert.equal(response.status, 200)
    await response.text()
    await app?.usage.flush()
  }

  it('stay lines, whatever tier a token names', async () => {
    await start({})
    await chat(bearer('alice\u2028forged', { tier: 'gold\u2028\u202eforged' }))
    assert.match(lines.join('\n'), /unknown tier/)
  })

  it('stay lines, whatever tier, organisation and roles the host names', async () => {
    const identity = { user_id: 'alice', tier: `gold${forged}`, org_id: `acme${forged}` }
    await start({ identify: () => ({ ...identity, roles: [forged] }) })
    await chat()
  })

  it('name no message of what the host or its parser throws', async () => {
    const thrown = () => {
      throw Object.assign(new TypeError(`${secretText}${forged}\n    at ${secretText}`), {
        code: 'E',
      })
    }
    const asynchronous = () => Promise.reject(new Error(secretText))
    const reader = { name: `mine${forged}`, read: thrown }
    await start({ identify: thrown, idempotencyKey: thrown, capture: { readers: [reader] } })
    await chat()
    assert.match(lines.join('\n'), /identify\(req\) failed: TypeError E at /)
    await app?.close()
    await start({ identify: asynchronous })
    await chat()
    assert.match(lines.join('\n'), /identify\(req\) failed: Error at /)
  })

  it('stay lines, whatever fields are annotated', async () => {
    await start({})
    await chat({}, { [`field${forged}`]: 1, ['x'.repeat(9_000)]: 2 })
    assert.match(lines.join('\n'), /annotate left out field/)
  })

  it('tell of an unexpected error where it happened, not what was said', async () => {
    const host = express()
    const { logger: own } = parseOptions(
      { mongoUri: 'mongodb://127.0.0.1', identify: () => undefined, logger },
      true,
    )
    host.get('/', () => {
      JSON.parse(`{"prompt": ${secretText}${forged}`)
    })
    host.use(createProblemHandler(own))
    const server = host.listen(0)
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const response = await fetch(`http://127.0.0.1:${port ?? 0}/`)
    const text = await response.text()
    assert.equal(response.status, 500)
    assert.doesNotMatch(text, /canary|SyntaxError|\.ts/)
    assert.match(lines.join('\n'), /unexpected error: SyntaxError at .*logs\.test\.ts/)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
