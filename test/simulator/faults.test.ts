import assert from 'node:assert/strict'
import OpenAI from 'openai'
import type Anthropic from '@anthropic-ai/sdk'
import { startSimulator, type BilledCall, type Simulator } from '../../scripts/simulator/index.js'
import {
  anthropicClient,
  collect,
  fault,
  onlyCall,
  openaiClient,
  openrouterClient,
  settledCall,
} from './support.js'

type Options = ReturnType<typeof fault> & { signal?: AbortSignal }

const messages = [{ role: 'user' as const, content: 'What is there to see in Lisbon in May?' }]
const usage = { stream_options: { include_usage: true } }

describe('faults of the simulator', () => {
  let simulator: Simulator
  let openai: OpenAI
  let openrouter: OpenAI
  let anthropic: Anthropic
  before(async () => {
    simulator = await startSimulator()
    openai = openaiClient(simulator)
    openrouter = openrouterClient(simulator)
    anthropic = anthropicClient(simulator)
  })
  beforeEach(() => simulator.reset())
  after(() => simulator.close())

  const ways: Record<
    string,
    { whole: (o: Options) => Promise<unknown>; stream: (o: Options) => Promise<unknown[]> }
  > = {
    'OpenAI chat': {
      whole: (o) => openai.chat.completions.create({ model: 'gpt-4o', messages }, o),
      stream: async (o) =>
        collect(
          await openai.chat.completions.create(
            { model: 'gpt-4o', messages, stream: true, ...usage },
            o,
          ),
        ),
    },
    'OpenAI responses': {
      whole: (o) => openai.responses.create({ model: 'gpt-4o', input: 'Lisbon?' }, o),
      stream: async (o) =>
        collect(
          await openai.responses.create({ model: 'gpt-4o', input: 'Lisbon?', stream: true }, o),
        ),
    },
    Anthropic: {
      whole: (o) =>
        anthropic.messages.create({ model: 'claude-haiku-4-5', messages, max_tokens: 500 }, o),
      stream: async (o) =>
        collect(
          await anthropic.messages.create(
            { model: 'claude-haiku-4-5', messages, max_tokens: 500, stream: true },
            o,
          ),
        ),
    },
    OpenRouter: {
      whole: (o) =>
        openrouter.chat.completions.create({ model: 'openai/gpt-4o-mini', messages }, o),
      stream: async (o) =>
        collect(
          await openrouter.chat.completions.create(
            { model: 'openai/gpt-4o-mini', messages, stream: true },
            o,
          ),
        ),
    },
  }

  const assertUnbilled = (call: BilledCall, name: string) => {
    assert.equal(call.outcome, 'fault')
    assert.equal(call.fault, name)
    assert.equal(call.input_tokens + call.output_tokens, 0)
  }
  const assertCutShort = (call: BilledCall, name: string) => {
    assert.equal(call.outcome, 'fault')
    assert.equal(call.fault, name)
    assert.ok(call.input_tokens > 0)
    assert.ok(call.output_tokens > 0)
  }

  for (const [provider, { whole, stream }] of Object.entries(ways)) {
    describe(provider, () => {
      for (const [name, status] of [
        ['rate_limit', 429],
        ['server_error', 500],
        ['overloaded', provider === 'Anthropic' ? 529 : 503],
      ] as const) {
        it(`${name} answers ${status} and bills nothing`, async () => {
          await assert.rejects(whole(fault(name)), { status })
          assertUnbilled(onlyCall(simulator), name)
          simulator.reset()
          await assert.rejects(stream(fault(name)), { status })
          assertUnbilled(onlyCall(simulator), name)
        })
      }

      it('cut_stream breaks off and bills what was made', async () => {
        const full = await lengthOf(stream)
        simulator.reset()
        await assert.rejects(stream(fault('cut_stream')))
        const call = await settledCall(simulator)
        assertCutShort(call, 'cut_stream')
        assert.ok(call.output_tokens < full)
        await assert.rejects(whole(fault('cut_stream')))
      })

      it('error_in_stream sends an error event and bills what was made', async () => {
        if (provider === 'OpenAI responses') {
          const events = (await stream(fault('error_in_stream'))) as { type: string }[]
          assert.deepEqual(
            events.slice(-2).map(({ type }) => type),
            ['error', 'response.failed'],
          )
        } else
          await assert.rejects(stream(fault('error_in_stream')), /error|Overloaded|disconnected/)
        assertCutShort(await settledCall(simulator), 'error_in_stream')
        simulator.reset()
        await assert.rejects(whole(fault('error_in_stream')), { status: 500 })
        assertUnbilled(onlyCall(simulator), 'error_in_stream')
      })

      it('malformed sends broken JSON', async () => {
        await assert.rejects(whole(fault('malformed')), SyntaxError)
        assertCutShort(onlyCall(simulator), 'malformed')
        simulator.reset()
        await assert.rejects(stream(fault('malformed')), SyntaxError)
        assertCutShort(await settledCall(simulator), 'malformed')
      })

      it('hang answers nothing until the client leaves, and bills nothing', async () => {
        for (const way of [whole, stream]) {
          simulator.reset()
          const signal = AbortSignal.timeout(50)
          await assert.rejects(way({ ...fault('hang'), signal }), /aborted/)
          assertUnbilled(await settledCall(simulator), 'hang')
        }
      })

      it('no_usage leaves usage out of an answer that is billed', async () => {
        const answer = JSON.stringify(await whole(fault('no_usage')))
        const call = onlyCall(simulator)
        assert.doesNotMatch(answer, /"usage":\{|_tokens":\d/)
        assert.equal(call.outcome, 'ok')
        assert.equal(call.fault, 'no_usage')
        assert.ok(call.output_tokens > 0)
        assert.doesNotMatch(JSON.stringify(await stream(fault('no_usage'))), /"usage":\{/)
      })
    })
  }

  it('rate_limit says when to come back', async () => {
    const error: unknown = await openai.chat.completions
      .create({ model: 'gpt-4o', messages }, fault('rate_limit'))
      .catch((reason: unknown) => reason)
    assert.ok(error instanceof OpenAI.RateLimitError)
    assert.equal(error.headers.get('retry-after'), '1')
  })

  const lengthOf = async (stream: (options: Options) => Promise<unknown>) => {
    await stream(fault('no_usage'))
    return onlyCall(simulator).output_tokens
  }

  it('slow waits two seconds for the first byte', async () => {
    const startedMs = performance.now()
    await openai.chat.completions.create({ model: 'gpt-4o', messages }, fault('slow'))
    assert.ok(performance.now() - startedMs >= 1990)
    assert.equal(onlyCall(simulator).outcome, 'ok')
    assert.equal(onlyCall(simulator).fault, 'slow')
  })

  it('takes the fault from the metadata of the body too', async () => {
    const request = openai.chat.completions.create({
      model: 'gpt-4o',
      messages,
      metadata: { simulator_fault: 'rate_limit' },
    })
    await assert.rejects(request, OpenAI.RateLimitError)
  })
})
