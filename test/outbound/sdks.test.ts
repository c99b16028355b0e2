import assert from 'node:assert/strict'
import { request } from 'node:http'
import type Anthropic from '@anthropic-ai/sdk'
import express, { type Request, type Response } from 'express'
import type OpenAI from 'openai'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'
import type { UsageEvent } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { anthropicClient, openaiClient, settledCall } from '../simulator/support.js'
import { eventOf, operation, type Handler } from './support.js'

const question = [{ role: 'user' as const, content: 'Where to in May? Say it in many words.' }]
const chat = { model: 'gpt-4o-mini', messages: question }
const message = { model: 'claude-haiku-4-5', max_tokens: 400, messages: question }
const usageChunk = { stream: true, stream_options: { include_usage: true } } as const

describe('an SDK inside a handler that answers only { reply }', () => {
  let simulator: Simulator
  let app: TestApp
  let openai: OpenAI
  let anthropic: Anthropic
  let handler: Handler
  before(async () => {
    simulator = await startSimulator()
    openai = openaiClient(simulator)
    anthropic = anthropicClient(simulator)
    app = await startApp(
      (host) => {
        host.post('/ai/chat', express.json(), (req, res) => handler(req, res))
      },
      { capture: { outbound: { hosts: [simulator.url] } } },
    )
  })
  beforeEach(() => simulator.reset())
  after(async () => {
    await app.close()
    await simulator.close()
  })

  const handlers: Record<string, Handler> = {
    'openai, chat': async (_req, res) => {
      const { choices } = await openai.chat.completions.create(chat)
      res.json({ reply: choices[0]?.message.content })
    },
    'openai, chat stream': async (_req, res) => {
      let reply = ''
      for await (const chunk of await openai.chat.completions.create({ ...chat, ...usageChunk })) {
        reply += chunk.choices[0]?.delta.content ?? ''
      }
      res.json({ reply })
    },
    'openai, responses': async (_req, res) => {
      const { output_text } = await openai.responses.create({ model: 'gpt-4o', input: question })
      res.json({ reply: output_text })
    },
    'openai, responses stream': async (_req, res) => {
      const stream = openai.responses.stream({ model: 'gpt-4o', input: question })
      res.json({ reply: (await stream.finalResponse()).output_text })
    },
    'anthropic, messages': async (_req, res) => {
      const { content } = await anthropic.messages.create(message)
      res.json({ reply: content })
    },
    'anthropic, messages stream': async (_req, res) => {
      res.json({ reply: await anthropic.messages.stream(message).finalText() })
    },
  }

  for (const [name, handle] of Object.entries(handlers)) {
    it(`is recorded as the provider bills it: ${name}`, async () => {
      handler = handle
      assertBilled(await operation(app, name), simulator)
    })

    it(`is recorded as the provider bills it when the client leaves: ${name}`, async () => {
      let left = (): void => undefined
      const hasLeft = new Promise<void>((resolve) => (left = resolve))
      handler = async (req, res) => {
        res.once('close', left)
        client.destroy()
        await hasLeft
        await handle(req, res)
      }
      const user = `${name}, left`
      const client = request(`${app.url}/ai/chat`, { method: 'POST', headers: bearer(user) })
      client.on('error', () => undefined)
      // A call that runs already when the client leaves; the handler's own comes after.
      handler = whileRunning(handler, () => openai.chat.completions.create(chat))
      client.end('{}')
      await hasLeft
      await settled(simulator, 2)
      const event = await eventOf(app, user)
      const billed = simulator.billed()
      assert.equal(event.status, 'aborted')
      assert.equal(event.token_source, 'provider')
      assert.equal(event.attempts, 2)
      assert.equal(event.input_tokens, sum(billed, 'input_tokens'))
      assert.equal(event.output_tokens, sum(billed, 'output_tokens'))
    })
  }

  it('is recorded as billed when a stream outlives its client', async () => {
    for (const [name, stream] of Object.entries(streams(openai, anthropic))) {
      simulator.reset()
      handler = async (_req, res) => {
        for await (const piece of stream()) {
          res.write(piece)
          client.destroy()
        }
        res.end()
      }
      const user = `${name}, outlived`
      const client = request(`${app.url}/ai/chat`, { method: 'POST', headers: bearer(user) })
      client.on('error', () => undefined).end()
      await settled(simulator, 1)
      const event = await eventOf(app, user)
      assert.equal(event.status, 'aborted', name)
      assertBilled(event, simulator)
    }
  })

  it('is counted from what was seen when the handler breaks off', async () => {
    for (const [name, stream] of Object.entries(streams(openai, anthropic))) {
      simulator.reset()
      handler = async (_req, res) => {
        let reply = ''
        for await (const piece of stream()) {
          reply += piece
          if (reply.length > 40) break
        }
        res.json({ reply })
      }
      const event = await operation(app, `${name}, broken off`)
      const billed = await settledCall(simulator)
      assert.equal(billed.outcome, 'client_aborted', name)
      assert.equal(event.input_tokens, billed.input_tokens, name)
      assert.ok(event.output_tokens > 5 && event.output_tokens <= billed.output_tokens, name)
      assert.notEqual(event.token_source, 'provider', name)
    }
  })

  it('counts once what the handler hands on', async () => {
    const both: Handler = async (_req, res) => {
      res.json(await openai.chat.completions.create(chat))
    }
    const usageOnly: Handler = async (_req, res) => {
      const { usage, model } = await openai.chat.completions.create(chat)
      res.json({ reply: 'yes', usage, model })
    }
    const streamed: Handler = async (_req, res: Response) => {
      res.type('text/event-stream')
      const stream = await openai.chat.completions.create({ ...chat, ...usageChunk })
      for await (const chunk of stream) res.write(`data: ${JSON.stringify(chunk)}\n\n`)
      res.end()
    }
    for (const [name, handle] of Object.entries({ both, usageOnly, streamed })) {
      simulator.reset()
      handler = handle
      assertBilled(await operation(app, `hands on ${name}`), simulator)
    }
  })
})

function streams(openai: OpenAI, anthropic: Anthropic) {
  return {
    async *openai() {
      const options = { ...chat, ...usageChunk }
      for await (const chunk of await openai.chat.completions.create(options)) {
        yield chunk.choices[0]?.delta.content ?? ''
      }
    },
    async *anthropic() {
      for await (const event of anthropic.messages.stream(message)) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') {
          yield event.delta.text
        }
      }
    },
  }
}

/** Begins a call, hands on, and lets it end by itself. */
function whileRunning(handler: Handler, begin: () => Promise<unknown>): Handler {
  return async (req: Request, res: Response) => {
    const running = begin()
    await handler(req, res)
    await running
  }
}

async function settled(simulator: Simulator, calls: number): Promise<void> {
  for (let tries = 0; tries < 400 && simulator.billed().length < calls; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.equal(simulator.billed().length, calls)
}

function sum(calls: ReturnType<Simulator['billed']>, key: 'input_tokens' | 'output_tokens') {
  return calls.reduce((total, call) => total + call[key], 0)
}

/** The event tells the only call on the invoice, to the token. */
function assertBilled(event: UsageEvent, simulator: Simulator): void {
  const [call, ...more] = simulator.billed()
  assert.ok(call && more.length === 0)
  assert.equal(call.outcome, 'ok')
  for (const key of [
    ...(['input_tokens', 'output_tokens', 'cache_read_tokens'] as const),
    ...(['cache_write_tokens', 'reasoning_tokens', 'model', 'provider'] as const),
  ]) {
    assert.equal(event[key], call[key], key)
  }
  assert.equal(event.generation_id, call.id)
  assert.equal(event.token_source, 'provider')
  assert.equal(event.attempts, 1)
  assert.equal(event.models, undefined)
}
