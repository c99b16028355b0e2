import assert from 'node:assert/strict'
import { startSimulator, type BilledCall, type Simulator } from '../../scripts/simulator/index.js'
import { askIn, SDKS, type Ask, type Client, type Told } from '../helpers/sdks/index.js'
import { longText, onlyCall, settledCall } from './support.js'

const prompt = `What is there to see in Lisbon in May?\n${longText(1200)}`

/** Providers that report what they read from their prompt cache. */
const CACHES = ['openai', 'anthropic', 'openrouter', 'google', 'groq', 'deepseek', 'xai', 'bedrock']
const REASONS = ['openai', 'openrouter', 'google', 'groq', 'deepseek', 'xai']

function assertTold(told: Told, call: BilledCall): void {
  assert.ok(Object.keys(told).length >= 2)
  for (const [name, tokens] of Object.entries(told)) {
    assert.equal(tokens, call[name as keyof Told], name)
  }
}

for (const sdk of SDKS) {
  describe(`the simulator with ${sdk.name}`, () => {
    let simulator: Simulator
    let client: Client
    before(async () => {
      simulator = await startSimulator({ http2: sdk.http2 ?? false })
      client = sdk.connect(simulator)
    })
    beforeEach(() => simulator.reset())
    after(() => simulator.close())

    for (const way of ['whole', 'stream'] as const) {
      const name = way === 'whole' ? 'an answer' : 'a stream'
      const answer = (ask: Ask) => askIn(way, client, ask)

      it(`gives ${name} with the usage it bills, from the cache too`, async () => {
        const fresh = await answer({ prompt })
        assert.match(fresh.text, /Lisbon/)
        assertTold(fresh.told, onlyCall(simulator))
        const again = await answer({ prompt })
        const [, call] = simulator.billed()
        assert.ok(call)
        assertTold(again.told, call)
        assert.equal(call.provider, sdk.provider)
        assert.equal(call.outcome, 'ok')
        assert.equal(call.cache_read_tokens > 0, CACHES.includes(sdk.provider))
        assert.equal(call.reasoning_tokens > 0, REASONS.includes(sdk.provider))
      })

      it(`refuses ${name} at the rate limit, on failure and when overloaded, unbilled`, async () => {
        for (const fault of ['rate_limit', 'server_error', 'overloaded'] as const) {
          simulator.reset()
          await assert.rejects(answer({ prompt, fault }))
          const call = onlyCall(simulator)
          assert.equal(call.fault, fault)
          assert.equal(call.input_tokens + call.output_tokens, 0)
        }
      })

      it(`breaks ${name} off, and bills what was made`, async () => {
        await assert.rejects(answer({ prompt, fault: 'cut_stream' }))
        const call = await settledCall(simulator)
        assert.equal(call.outcome, 'fault')
        assert.ok(call.input_tokens > 0 && call.output_tokens > 0)
      })

      it(`gives ${name} in malformed wire format`, async () => {
        const reading = answer({ prompt, fault: 'malformed' })
        if (way === 'whole' || !sdk.skipsBrokenLines) await assert.rejects(reading)
        else assert.doesNotMatch((await reading).text, /undefined/)
        assert.equal((await settledCall(simulator)).fault, 'malformed')
      })

      it(`gives ${name} without usage`, async () => {
        const reading = answer({ prompt, fault: 'no_usage' })
        if (sdk.insistsOnUsage?.includes(way)) await assert.rejects(reading)
        else {
          const { told } = await reading
          assert.equal((told.input_tokens ?? 0) + (told.output_tokens ?? 0), 0)
        }
        const call = await settledCall(simulator)
        assert.equal(call.fault, 'no_usage')
        assert.ok(call.input_tokens > 0)
      })
    }

    it('reports a failure inside the stream', async () => {
      await assert.rejects(askIn('stream', client, { prompt, fault: 'error_in_stream' }))
      const call = await settledCall(simulator)
      assert.equal(call.fault, 'error_in_stream')
      assert.ok(call.output_tokens > 0)
    })

    it('bills what was made until the client leaves', async () => {
      const slow = await startSimulator({
        http2: sdk.http2 ?? false,
        pace: { firstTokenMs: 20, msPerToken: 2 },
      })
      const leaving = new AbortController()
      const stream = sdk.connect(slow).stream({ prompt, signal: leaving.signal })
      let received = 0
      await assert.rejects(async () => {
        for await (const text of stream) {
          if (text !== '') received += 1
          if (received === 3) leaving.abort()
        }
        // Some SDKs end the stream of one who leaves in silence.
        leaving.signal.throwIfAborted()
      })
      const call = await settledCall(slow)
      assert.equal(call.outcome, 'client_aborted')
      assert.ok(call.output_tokens - call.reasoning_tokens >= 3)
      await slow.close()
    })
  })
}
