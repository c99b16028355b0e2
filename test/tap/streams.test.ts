import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import compression from 'compression'
import type { Response } from 'express'
import type { UsageEvent } from '../../src/index.js'
import { bearer } from '../helpers/app.js'
import { expected, payload } from '../helpers/fixtures.js'
import { flush } from './case.js'
import { startStand, type Host, type Stand } from './stand.js'

const event = (data: object, name?: string) =>
  `${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`
const chunk = (delta: object) =>
  event({ object: 'chat.completion.chunk', model: 'gpt-4o', choices: [{ delta }] })
const usage = { input_tokens: 3, output_tokens: 1 }
const message = 'secret words'
const claude = { type: 'message', model: 'claude-haiku-4-5', usage }
const started = event({ type: 'message_start', message: claude }, 'message_start')
const delta = (text: string) =>
  event(
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
    'content_block_delta',
  )

/** Streams under status 200 that tell of a failure, and its short code. */
const failures: Record<string, { body: string; type?: string; error_type: string }> = {
  'OpenAI, as the only event': {
    body: event({ error: { message, type: 'server_error', code: null } }),
    error_type: 'server_error',
  },
  'OpenAI, after text': {
    body: chunk({ content: 'Hel' }) + event({ error: { message, type: 'server_error' } }),
    error_type: 'server_error',
  },
  'Anthropic, an event named error': {
    body:
      started +
      delta('Hel') +
      event({ type: 'error', error: { type: 'overloaded_error', message } }, 'error'),
    error_type: 'overloaded_error',
  },
  'an event named error without JSON': {
    body: `${chunk({ content: 'Hel' })}event: error\ndata: ${message}\n\n`,
    error_type: 'provider_error',
  },
  'Responses, response.failed': {
    body:
      event({ type: 'response.output_text.delta', delta: 'Hel' }) +
      event({
        type: 'response.failed',
        response: {
          object: 'response',
          status: 'failed',
          model: 'gpt-5',
          error: { code: 'server_error', message },
          usage: null,
        },
      }),
    error_type: 'server_error',
  },
  'Responses, an error event': {
    body: event({ type: 'error', code: 'rate_limit_exceeded', message, param: null }, 'error'),
    error_type: 'rate_limit_exceeded',
  },
  'an error whose code is a message': {
    body: event({ error: { message, code: message, type: `${message} and more` } }),
    error_type: 'provider_error',
  },
  'JSON under 200': {
    type: 'application/json',
    body: JSON.stringify({ error: { message, type: 'server_error' } }),
    error_type: 'server_error',
  },
  NDJSON: {
    type: 'application/x-ndjson',
    body: `${JSON.stringify({ delta: 'Hel' })}\n${JSON.stringify({ error: { message, code: 'busy' } })}\n`,
    error_type: 'busy',
  },
}

const silenceMs = 80

/** What may come before the first text, and then the first text. */
const openings: Record<string, { before: string[]; first: string }> = {
  OpenAI: {
    before: [': keep-alive\n\n', chunk({ role: 'assistant', content: '' })],
    first: chunk({ content: 'Hi' }),
  },
  Anthropic: {
    before: [started, event({ type: 'ping' }, 'ping'), ': wait\n\n'],
    first: delta('Hi'),
  },
}

async function opening(res: Response, name: string): Promise<void> {
  const { before, first } = openings[name] ?? assert.fail(name)
  res.type('text/event-stream')
  const send = (text: string) => {
    res.write(text)
    flush(res)
  }
  before.forEach(send)
  await sleep(silenceMs)
  send(first)
  await sleep(silenceMs)
  send(first)
  res.end()
}

function mount({ app, meter }: Host): void {
  const compress = compression({ threshold: 0 })
  app.use('/before', compress)
  meter()
  app.use('/after', compress)
  app.get('/:where/failure/:name', (req, res) => {
    const { body, type = 'text/event-stream' } = failures[req.params.name] ?? assert.fail()
    res.type(type).end(body)
  })
  app.get('/:where/opening/:name', (req, res) => opening(res, req.params.name))
  app.get('/:where/split/:family/:file', async (req, res) => {
    const name = `${req.params.family}/${req.params.file}`
    const bytes = payload(name)
    const at = Number(req.query.at)
    res.setHeader('content-type', expected[name]?.content_type ?? '')
    res.write(bytes.subarray(0, at))
    if (at % 2 === 0) flush(res)
    await sleep(0)
    res.end(bytes.subarray(at))
  })
}

describe('metered streams', function () {
  this.timeout(15_000)
  let stand: Stand
  before(async () => {
    const operations = [{ path: '/:where/:what/*rest', type: 'stream', estimateTokens: 0 }]
    stand = await startStand('Express 5', mount, { operations })
  })
  after(() => stand.close())

  const fetchFrom = async (user: string, path: string, encoding = 'gzip') => {
    const headers = { ...bearer(user), 'accept-encoding': encoding }
    return Buffer.from(
      await (await fetch(`${stand.metered.url}${path}`, { headers })).arrayBuffer(),
    )
  }

  for (const [name, { body, error_type }] of Object.entries(failures)) {
    it(`counts an error inside a 200 as a failure, and stores no message: ${name}`, async () => {
      for (const where of ['plain', 'before', 'after']) {
        const user = `${where} ${name}`
        const path = `/${where}/failure/${encodeURIComponent(name)}`
        assert.equal((await fetchFrom(user, path)).toString(), body)
        const event = await stand.event(user)
        assert.equal(event.status, 'error')
        assert.equal(event.success, false)
        assert.equal(event.status_code, 200)
        assert.equal(event.error_type, error_type)
        assert.doesNotMatch(JSON.stringify(event), new RegExp(message))
      }
    })
  }

  for (const name of Object.keys(openings)) {
    it(`times the first token by the first text, not by what comes before it: ${name}`, async () => {
      for (const where of ['plain', 'before']) {
        const user = `${where} opening ${name}`
        await fetchFrom(user, `/${where}/opening/${name}`)
        const {
          time_to_first_token_ms = -1,
          response_time_ms = -1,
          stream,
        } = await stand.event(user)
        assert.equal(stream, true)
        assert.ok(time_to_first_token_ms >= silenceMs - 3, `${where}: ${time_to_first_token_ms} ms`)
        const rest = response_time_ms - time_to_first_token_ms
        assert.ok(rest >= silenceMs - 3, `${where}: ${rest} ms before the end`)
      }
    })
  }

  const files = Object.entries(expected).filter(
    ([name, { usage }]) => /^(openai|anthropic)/.test(name) && usage !== null,
  )
  for (const [name, want] of files) {
    it(`reads ${name} exactly, written in two at any byte and compressed`, async () => {
      const { length } = payload(name)
      const cuts = Array.from({ length: 30 }, () => 1 + Math.floor(Math.random() * (length - 1)))
      for (const where of ['plain', 'before', 'after']) {
        const user = `${where} ${name}`
        await Promise.all(
          cuts.map(async (at) => {
            const encoding = ['gzip', 'deflate', 'br'][at % 3]
            const body = await fetchFrom(user, `/${where}/split/${name}?at=${at}`, encoding)
            assert.deepEqual(body, payload(name), `at ${at}`)
          }),
        )
        const events = await allOf(user, cuts.length)
        for (const event of events) {
          const figures = Object.keys(want.usage ?? {}).map((key) => [
            key,
            Reflect.get(event, key) as unknown,
          ])
          assert.deepEqual(Object.fromEntries(figures), want.usage, `cuts ${cuts.join()} ${where}`)
          assert.equal(event.model, want.model)
          assert.equal(event.token_source, 'provider')
        }
      }
    })
  }

  const allOf = async (user: string, count: number): Promise<UsageEvent[]> => {
    for (let tries = 0; tries < 50; tries++) {
      const events = await stand.events(user)
      if (events.length >= count) return events
      await sleep(10)
    }
    throw new Error(`fewer than ${count} events of ${user}`)
  }
})
