import assert from 'node:assert/strict'
import type { BilledCall } from '../../scripts/simulator/index.js'
import type { UsageEvent } from '../../src/index.js'
import { SDKS, type Sdk, type Way } from '../helpers/sdks/index.js'
import { longText } from '../simulator/support.js'
import { billedCall, startStands, type Stand, type Stands } from './stand.js'

/**
 * The whole proof is `npm run proof:sdks`: every SDK in every situation. The short form, which runs
 * with every test, leaves out what goes wrong or ends early, except for one SDK of each transport.
 */
const isWhole = process.env.SDK_SITUATIONS === 'all'
const ofEachTransport = [
  '@anthropic-ai/sdk', // fetch
  '@aws-sdk/client-bedrock-runtime (Converse, HTTP/1.1)', // node:http
  '@aws-sdk/client-bedrock-runtime (Converse, HTTP/2)', // node:http2
]
const inAllSituations = SDKS.filter(({ name }) => isWhole || ofEachTransport.includes(name))

const prompt = `What is there to see in Lisbon in May?\n${longText(1200)}`

const CACHES = ['openai', 'anthropic', 'openrouter', 'google', 'groq', 'deepseek', 'xai', 'bedrock']

/** Counted text is close to what was made, not the same: the end may not have come, tokenizers differ. */
const CLOSE = 0.35
/** Some providers show thoughts; what is shown counts as output. */
const SHOWN_THOUGHT_TOKENS = 12

function figuresOf(usage: UsageEvent | BilledCall) {
  return {
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_read_tokens: usage.cache_read_tokens ?? 0,
    cache_write_tokens: usage.cache_write_tokens ?? 0,
    reasoning_tokens: usage.reasoning_tokens ?? 0,
  }
}

function assertBilled(event: UsageEvent, call: BilledCall): void {
  assert.deepEqual(figuresOf(event), figuresOf(call))
  assert.equal(event.tokens_used, call.input_tokens + call.output_tokens)
  assert.equal(event.token_source, 'provider')
  assert.equal(event.provider, call.provider)
  assert.equal(event.model, call.model)
  assert.equal(event.attempts, 1)
  assert.equal(event.models, undefined)
  if (call.cost_usd === undefined) return
  assert.equal(event.cost_nano_usd, Math.round(call.cost_usd * 1e9))
  assert.equal(event.cost_source, 'provider')
}

/** Not the provider's figures, and said so; but what was sent, and what came until the end. */
function assertCounted(event: UsageEvent, call: BilledCall): void {
  assert.ok(['tokenizer', 'estimate'].includes(event.token_source), event.token_source)
  assert.equal(event.provider, call.provider)
  assert.equal(event.model, call.model)
  assert.equal(event.attempts, 1)
  const seen = call.output_tokens - call.reasoning_tokens
  assertBetween(
    event.input_tokens,
    call.input_tokens * (1 - CLOSE),
    call.input_tokens * (1 + CLOSE),
  )
  const most = (seen + SHOWN_THOUGHT_TOKENS) * (1 + CLOSE)
  assertBetween(event.output_tokens - (event.reasoning_tokens ?? 0), seen * (1 - CLOSE), most)
}

function assertBetween(value: number, least: number, most: number): void {
  assert.ok(value >= Math.floor(least) && value <= Math.ceil(most), `${value}: ${least} to ${most}`)
}

const ways: readonly Way[] = ['whole', 'stream']

function itIsRecordedAsBilled(sdk: Sdk, stand: () => Stand): void {
  for (const deed of ways) {
    it(`is recorded as billed, ${deed === 'whole' ? 'not streaming' : 'streaming'}`, async () => {
      const { simulator, ask, event: eventOf } = stand()
      for (const time of ['first', 'again']) {
        const seenCalls = simulator.billed().length
        const user = `${deed}-${time}`
        const response = await ask(user, { prompt, deed })
        assert.deepEqual(Object.keys((await response.json()) as object), ['reply'])
        const [call, ...more] = simulator.billed().slice(seenCalls)
        assert.ok(call)
        assert.deepEqual(more, [])
        assert.equal(call.outcome, 'ok')
        if (time === 'again') {
          assert.equal(call.cache_read_tokens > 0, CACHES.includes(sdk.provider))
        }
        const event = await eventOf(user)
        assertBilled(event, call)
        assert.equal(event.status, 'ok')
      }
    })
  }
}

function itIsRecordedWhenClientsLeave(stand: () => Stand): void {
  for (const deed of ways) {
    it(`is recorded as billed when its client leaves, ${deed}`, async () => {
      const { simulator, leave, event: eventOf } = stand()
      simulator.reset()
      const user = `left-${deed}`
      await leave(user, { prompt, deed })
      const call = await billedCall(simulator)
      assert.equal(call.outcome, 'ok')
      const event = await eventOf(user)
      assertBilled(event, call)
      assert.equal(event.status, 'aborted')
    })
  }
}

function itIsRecordedWhenProvidersFail(sdk: Sdk, stand: () => Stand): void {
  it('is recorded as counted when it gives the provider up', async () => {
    const { simulator, ask, event: eventOf } = stand()
    simulator.reset()
    const response = await ask('gave-up', { prompt, deed: 'leave' })
    const { reply } = (await response.json()) as { reply: string }
    const call = await billedCall(simulator)
    assert.equal(call.outcome, 'client_aborted')
    assert.ok(reply.length > 60)
    const event = await eventOf('gave-up')
    assertCounted(event, call)
    assert.equal(event.status, 'ok')
  })

  it('is recorded as counted when its provider breaks off', async () => {
    const { simulator, ask, event: eventOf } = stand()
    simulator.reset()
    const response = await ask('cut', { prompt, deed: 'stream', fault: 'cut_stream' })
    assert.equal(response.status, 502)
    const call = await billedCall(simulator)
    assert.equal(call.outcome, 'fault')
    const event = await eventOf('cut')
    assertCounted(event, call)
    assert.equal(event.success, false)
  })

  it('is recorded as nothing used when its provider refuses', async () => {
    const { ask, event: eventOf } = stand()
    const response = await ask('refused', { prompt, deed: 'whole', fault: 'rate_limit' })
    assert.equal(response.status, 502)
    const event = await eventOf('refused')
    assert.equal(event.tokens_used, 0)
    assert.equal(event.token_source, 'none')
    assert.equal(event.provider, sdk.provider)
    assert.equal(event.success, false)
  })
}

describe(`a handler that asks ${isWhole ? 'in every situation' : 'in the situations of the short form'}`, () => {
  let stands: Stands
  before(async () => {
    stands = await startStands(SDKS)
  })
  after(() => stands.close())

  for (const sdk of SDKS) {
    describe(`through ${sdk.name} and answers only a reply`, () => {
      const stand = () => stands.of(sdk)
      itIsRecordedAsBilled(sdk, stand)
      if (!inAllSituations.includes(sdk)) return
      itIsRecordedWhenClientsLeave(stand)
      itIsRecordedWhenProvidersFail(sdk, stand)
    })
  }

  it('has an SDK of each transport in every situation', () => {
    assert.equal(inAllSituations.length, isWhole ? SDKS.length : ofEachTransport.length)
  })
})
