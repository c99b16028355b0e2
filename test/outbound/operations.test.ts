import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { startSimulator, type BilledCall, type Simulator } from '../../scripts/simulator/index.js'
import type { UsageEvent } from '../../src/index.js'
import { startApp, type TestApp } from '../helpers/app.js'
import { anthropicClient, fault, openaiClient } from '../simulator/support.js'
import { eventOf, operation, type Handler } from './support.js'

const ask = (content: string) => [{ role: 'user' as const, content }]

describe('several provider calls in one request', () => {
  let simulator: Simulator
  let app: TestApp
  let handler: Handler
  before(async () => {
    simulator = await startSimulator()
    app = await startApp(
      (host, usage) => {
        host.post('/ai/chat', express.json(), (req, res) => handler(req, res))
        host.post('/ai/qa', express.json(), async (req, res) => {
          await chat('an annotated one', fault('no_usage'))
          usage.annotate(req, { input_tokens: 11, output_tokens: 7 })
          res.json({ reply: 'yes' })
        })
      },
      { capture: { outbound: { hosts: [simulator.url] } } },
    )
  })
  beforeEach(() => simulator.reset())
  after(async () => {
    await app.close()
    await simulator.close()
  })

  const chat = (content: string, options = {}) =>
    openaiClient(simulator).chat.completions.create(
      { model: 'gpt-4o-mini', messages: ask(content) },
      options,
    )
  const messages = (content: string) =>
    anthropicClient(simulator).messages.create({
      model: 'claude-haiku-4-5',
      max_tokens: 200,
      messages: ask(content),
    })

  it('are one operation: three in a row, two at once, one of them tried again', async () => {
    handler = async (_req, res) => {
      await chat('Plan the trip.')
      await messages('Find a place to stay.')
      await Promise.all([
        chat('Find a flight.', fault('rate_limit')).catch(() => chat('Find a flight, again.')),
        messages('Find a table for two.'),
      ])
      await chat('Sum it up.')
      res.json({ reply: 'Lisbon.' })
    }
    const event = await operation(app, 'agent')
    assert.equal(event.attempts, 6)
    assert.equal(event.token_source, 'provider')
    assertSums(event, simulator.billed())
    assert.deepEqual(
      event.models
        ?.map(({ provider, model, attempts }) => [provider, model, attempts])
        .sort(([a = ''], [b = '']) => String(a).localeCompare(String(b))),
      [
        ['anthropic', modelBilled('anthropic'), 2],
        ['openai', modelBilled('openai'), 4],
      ],
    )
    const [most] = event.models ?? []
    assert.equal(event.model, most?.model)
    assert.equal(event.provider, most?.provider)
    const logs = await app.admin<{ data: UsageEvent[] }>('/logs?user=agent')
    assert.deepEqual(logs.data[0]?.models, event.models)
    const own = await app.as<{ data: UsageEvent[] }>('agent', '/me/logs')
    assert.equal(own.data[0]?.models?.length, 2)
    assert.ok(own.data[0].models.every((share) => !('cost_nano_usd' in share)))
  })

  it('name one model without a breakdown, a refused try included', async () => {
    handler = async (_req, res) => {
      await chat('Once.', fault('server_error')).catch(() => chat('Twice.'))
      res.json({ reply: 'yes' })
    }
    const event = await operation(app, 'retry')
    assert.equal(event.attempts, 2)
    assert.equal(event.models, undefined)
    assert.equal(event.model, modelBilled('openai'))
    assertSums(event, simulator.billed())
  })

  it('count a try that broke off in the middle, as well as can be told', async () => {
    const client = openaiClient(simulator)
    const options = {
      model: 'gpt-4o-mini',
      messages: ask('Where to in May?'),
      stream: true,
    } as const
    const read = async (more = {}) => {
      for await (const _ of await client.chat.completions.create(
        { ...options, stream_options: { include_usage: true } },
        more,
      ));
    }
    handler = async (_req, res) => {
      await read(fault('cut_stream')).catch(() => read())
      res.json({ reply: 'yes' })
    }
    const event = await operation(app, 'cut')
    const billed = simulator.billed()
    assert.equal(billed.length, 2)
    assert.equal(event.attempts, 2)
    assert.equal(event.token_source, 'tokenizer')
    assert.equal(event.input_tokens, total(billed, 'input_tokens'))
    const [cut, whole] = billed
    assert.ok(cut && whole)
    assert.ok(event.output_tokens > whole.output_tokens)
    assert.ok(event.output_tokens <= whole.output_tokens + cut.output_tokens)
  })

  it('used nothing when all were refused', async () => {
    handler = async (_req, res) => {
      await chat('Once.', fault('rate_limit')).catch(() => undefined)
      await chat('Twice.', fault('overloaded')).catch(() => undefined)
      res.status(502).json({ error: 'try later' })
    }
    const event = await operation(app, 'refused')
    assert.equal(event.attempts, 2)
    assert.equal(event.token_source, 'none')
    assert.equal(event.tokens_used, 0)
    assert.equal(event.model, 'gpt-4o-mini')
  })

  it('are billed although the host fails afterwards', async () => {
    handler = async (_req, res) => {
      await chat('Once.')
      res.status(500).json({ error: 'oops' })
    }
    const event = await operation(app, 'fails')
    assert.equal(event.success, false)
    assertSums(event, simulator.billed())
  })

  it('give way to the annotation where the provider told nothing', async () => {
    const response = await fetch(`${app.url}/ai/qa`, { method: 'POST' })
    await response.arrayBuffer()
    const event = await eventOf(app, 'anonymous')
    assert.equal(event.token_source, 'annotated')
    assert.equal(event.tokens_used, 18)
    assert.equal(event.attempts, 1)
  })

  it('count when they began before the response ended, and not when after', async () => {
    handler = async (_req, res) => {
      const running = chat('Write it down.', fault('slow'))
      await sleep(500)
      res.json({ reply: 'soon' })
      await running
      await chat('Nobody waits for this.')
    }
    const done = operation(app, 'behind').catch(() => undefined)
    await done
    for (let tries = 0; tries < 500 && simulator.billed().length < 2; tries++) await sleep(10)
    const event = await eventOf(app, 'behind')
    assert.equal(event.attempts, 1)
    assertSums(event, simulator.billed().slice(0, 1))
  })

  it('do not keep other operations waiting, nor flush for more than a second', async () => {
    handler = async (_req, res) => {
      void chat('Never answered.', { ...fault('hang'), timeout: 4_000 }).catch(() => undefined)
      await sleep(500)
      res.json({ reply: 'soon' })
    }
    await operation(app, 'hangs').catch(() => undefined)
    handler = (_req, res) => void res.json({ reply: 'quick' })
    const began = performance.now()
    assert.equal((await operation(app, 'other')).status, 'ok')
    assert.ok(performance.now() - began < 1_900)
    await assert.rejects(eventOf(app, 'hangs'), /0 events/)
    let hanging: UsageEvent | undefined
    for (let tries = 0; tries < 60 && !hanging; tries += 1) {
      await sleep(50)
      hanging = await eventOf(app, 'hangs').catch(() => undefined)
    }
    assert.equal(hanging?.token_source, 'none')
  })

  it("belong to their own requests, however those interleave, beside the host's own storage", async () => {
    const own = new AsyncLocalStorage<string>()
    handler = (req, res) =>
      own.run(String(req.headers.authorization), async () => {
        const { message: content } = req.body as { message: string }
        await sleep(5 * Math.random())
        await Promise.all([chat(content), messages(content)])
        assert.equal(own.getStore(), req.headers.authorization)
        res.json({ reply: content })
      })
    await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        operation(app, `many-${index}`, {
          body: JSON.stringify({ message: 'a '.repeat(index + 1) }),
        }),
      ),
    )
    const events = await Promise.all(
      Array.from({ length: 30 }, (_, index) => eventOf(app, `many-${index}`)),
    )
    assertSums(
      {
        input_tokens: total(events, 'input_tokens'),
        output_tokens: total(events, 'output_tokens'),
      },
      simulator.billed(),
    )
    for (const [index, event] of events.entries()) {
      assert.equal(event.attempts, 2)
      if (index > 0) assert.ok(event.input_tokens > (events[index - 1]?.input_tokens ?? NaN))
    }
  })

  const modelBilled = (provider: string) =>
    simulator.billed().find((call) => call.provider === provider && call.outcome === 'ok')?.model
})

type Key = 'input_tokens' | 'output_tokens'

function total(calls: readonly Record<Key, number>[], key: Key): number {
  return calls.reduce((sum, call) => sum + call[key], 0)
}

function assertSums(
  event: Record<Key, number> & Pick<Partial<UsageEvent>, 'models'>,
  billed: readonly BilledCall[],
): void {
  for (const key of ['input_tokens', 'output_tokens'] as const) {
    assert.equal(event[key], total(billed, key), key)
    if (event.models) assert.equal(event[key], total(event.models, key), `${key} of models`)
  }
}
