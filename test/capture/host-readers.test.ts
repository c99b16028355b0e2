import assert from 'node:assert/strict'
import type { Request, Response } from 'express'
import type { Reader, UsageEvent } from '../../src/index.js'
import { createUsage } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { startProvider, type Provider } from '../outbound/support.js'

/** A format that nobody else has: `{ acme: { in, out } }`. */
const acme: Reader = {
  name: 'acme',
  read(payload, reading) {
    const counts = payload.acme
    if (typeof counts !== 'object' || counts === null || Array.isArray(counts)) return false
    const [input_tokens, output_tokens] = [Number(counts.in), Number(counts.out)]
    reading.provider = 'acme'
    reading.model = 'acme-1'
    reading.tokens = { input_tokens, output_tokens }
    reading.output_is_final = true
    return true
  },
}

/** Changes everything, then fails. */
const broken: Reader = {
  name: 'broken',
  read(_payload, reading) {
    reading.provider = 'broken'
    reading.cost_usd = 999
    reading.tokens.input_tokens = 999
    reading.text.push('never said')
    reading.usage_flags.push('nothing_invalid')
    throw new Error('not mine')
  },
}

const openai = {
  object: 'chat.completion',
  model: 'gpt-4o',
  choices: [{ message: { content: 'Hi' } }],
  usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
}

async function logged(app: TestApp): Promise<UsageEvent> {
  await app.usage.flush()
  const logs = app.database.connection.collection<UsageEvent>('usage_logs')
  const event = await logs.findOneAndDelete({})
  assert.ok(event)
  return event
}

describe('a host’s own readers', () => {
  let app: TestApp
  let warnings: string[]
  let answer: (res: Response) => unknown

  let provider: Provider
  before(async () => {
    warnings = []
    provider = await startProvider((_req, res) => {
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify({ acme: { in: 8, out: 3 } }))
    })
    const logger = {
      info: () => undefined,
      warn: (what: string) => warnings.push(what),
      error: () => undefined,
    }
    app = await startApp(
      (host) => host.post('/ai/chat', (_req: Request, res: Response) => answer(res)),
      {
        capture: { readers: [broken, acme], outbound: { hosts: [provider.url] } },
        logger,
      },
    )
  })
  after(async () => {
    await app.close()
    await provider.close()
  })

  const ask = async (how: (res: Response) => unknown): Promise<UsageEvent> => {
    answer = how
    const response = await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('u') })
    assert.equal(response.status, 200)
    await response.arrayBuffer()
    return logged(app)
  }

  it('are asked about what the host itself was answered', async () => {
    const event = await ask(async (res) => {
      const call = await fetch(`${provider.url}/v1/chat`, { method: 'POST', body: '{}' })
      await call.arrayBuffer()
      res.json({ reply: 'Hi' })
    })
    assert.deepEqual(
      [event.provider, event.model, event.input_tokens, event.output_tokens, event.token_source],
      ['acme', 'acme-1', 8, 3, 'provider'],
    )
  })

  it('are asked before ours', async () => {
    const event = await ask((res) => res.json({ acme: { in: 5, out: 2 } }))
    assert.deepEqual(
      [event.provider, event.model, event.input_tokens, event.output_tokens, event.token_source],
      ['acme', 'acme-1', 5, 2, 'provider'],
    )
  })

  it('read each event of a stream', async () => {
    const event = await ask((res) => {
      res.type('text/event-stream')
      res.write('data: {"text":"Hi"}\n\n')
      res.end('data: {"acme":{"in":7,"out":3}}\n\n')
    })
    assert.deepEqual([event.input_tokens, event.output_tokens], [7, 3])
  })

  it('leave to ours what they do not know, and no trace when they fail', async () => {
    const event = await ask((res) => res.json(openai))
    assert.deepEqual(
      [event.provider, event.input_tokens, event.output_tokens, event.cost_source],
      ['openai', 9, 4, 'catalogue'],
    )
    assert.equal(event.usage_flags, undefined)
  })

  it('are reported once an episode when they fail', () => {
    const reports = warnings.filter((warning) => warning.includes('"broken"'))
    assert.equal(reports.length, 1)
  })

  it('cannot bring in what is impossible', async () => {
    const event = await ask((res) => res.json({ acme: { in: -5, out: 2 } }))
    assert.deepEqual(event.usage_flags, ['input_tokens_invalid'])
    assert.ok(event.input_tokens >= 0)
    assert.notEqual(event.token_source, 'provider')
  })

  it('must be readers', () => {
    const readers = [{ name: 'x' }] as unknown as Reader[]
    assert.throws(
      () =>
        createUsage({
          mongoUri: 'mongodb://127.0.0.1:1',
          auth: { secret: 'x'.repeat(40), algorithms: ['HS256'] },
          capture: { readers },
        }),
      /capture\.readers\.0 must be/,
    )
  })
})

describe('figures that cannot be', () => {
  it('are shown in the log by what was dropped, and logged once', async () => {
    const warnings: string[] = []
    const logger = {
      info: () => undefined,
      warn: (what: string) => warnings.push(what),
      error: () => undefined,
    }
    const usage = {
      prompt_tokens: 9,
      completion_tokens: 4,
      prompt_tokens_details: { cached_tokens: 10 },
    }
    const app = await startApp(
      (host) => host.post('/ai/chat', (_req, res) => void res.json({ ...openai, usage })),
      { logger },
    )
    try {
      for (let i = 0; i < 3; i++) {
        await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('u') })).text()
      }
      await app.usage.flush()
      const { data } = await app.admin<{ data: UsageEvent[] }>('/logs')
      assert.equal(data.length, 3)
      for (const event of data) {
        assert.deepEqual(event.usage_flags, ['cache_read_tokens_invalid'])
        assert.equal(event.cache_read_tokens, undefined)
        assert.deepEqual([event.input_tokens, event.output_tokens], [9, 4])
      }
      const own = await app.as<{ data: UsageEvent[] }>('u', '/me/logs')
      assert.deepEqual(own.data[0]?.usage_flags, ['cache_read_tokens_invalid'])
      const reports = warnings.filter((warning) => warning.includes('cache_read_tokens_invalid'))
      assert.equal(reports.length, 1)
      assert.match(reports[0] ?? '', /of openai/)
    } finally {
      await app.close()
    }
  })
})
