import assert from 'node:assert/strict'
import fc from 'fast-check'
import { costOf, rateOfUsd, type Rates } from '../../src/pricing/rates.js'
import { book, noon } from './support.js'

const rate = (usd: number) => ({ base: rateOfUsd(usd), tiers: [] })

/** As gpt-realtime's, but that each rate is another. */
const realtime: Rates = {
  ...{ input: rate(4), output: rate(16), cache_read: rate(0.4) },
  ...{ input_audio: rate(32), output_audio: rate(64), cache_read_audio: rate(0.5) },
  ...{ input_image: rate(5), output_image: rate(30), cache_read_image: rate(0.6) },
}

describe('the cost of sound and images', () => {
  const usage = { input_tokens: 1000, output_tokens: 500 }

  it('is that of each kind, and of text for the rest', () => {
    const parts = {
      ...{ input_audio_tokens: 600, input_image_tokens: 300 },
      ...{ output_audio_tokens: 200, output_image_tokens: 100, reasoning_tokens: 50 },
    }
    // 600 × $32 + 300 × $5 + 100 × $4 and 200 × $64 + 100 × $30 + 200 × $16, per million
    const sent = 19_200_000 + 1_500_000 + 400_000
    assert.equal(
      costOf({ ...usage, ...parts }, realtime),
      sent + 12_800_000 + 3_000_000 + 3_200_000,
    )
  })

  it('is that of their own cache rates where it is told what was cached', () => {
    const parts = {
      ...{ input_audio_tokens: 600, input_image_tokens: 300, cache_read_tokens: 700 },
      ...{ cache_read_audio_tokens: 400, cache_read_image_tokens: 250 },
    }
    // audio 200 × $32 + 400 × $0.50, images 50 × $5 + 250 × $0.60, text 50 × $4 + 50 × $0.40
    const sent = 6_400_000 + 200_000 + 250_000 + 150_000 + 200_000 + 20_000
    assert.equal(costOf({ ...usage, ...parts }, realtime), sent + 8_000_000)
  })

  it('takes what was cached, or written to the cache, as text first where that is not told', () => {
    const parts = { input_audio_tokens: 600, output_audio_tokens: 500 }
    const cost = (cache: object) => costOf({ ...usage, ...parts, ...cache }, realtime)
    const produced = 32_000_000
    assert.equal(cost({ cache_read_tokens: 300 }), 19_200_000 + 120_000 + 400_000 + produced)
    // 400 of text, 100 of sound
    assert.equal(cost({ cache_read_tokens: 500 }), 16_000_000 + 160_000 + 50_000 + produced)
    assert.equal(cost({ cache_write_tokens: 300 }), 19_200_000 + 1_600_000 + produced)
    assert.equal(cost({ cache_write_tokens: 500 }), 16_000_000 + 2_000_000 + produced)
  })

  it('is that of text where they have no rate of their own', () => {
    const text: Rates = { input: rate(4), output: rate(16), cache_read: rate(0.4) }
    const parts = {
      ...{ input_audio_tokens: 600, input_image_tokens: 300, output_audio_tokens: 500 },
      ...{ cache_read_tokens: 500, cache_read_audio_tokens: 400 },
    }
    assert.equal(
      costOf({ ...usage, ...parts }, text),
      costOf({ ...usage, cache_read_tokens: 500 }, text),
    )
    // Without any cache rate, what was cached costs as the same uncached.
    const uncached: Rates = { input: rate(4), output: rate(16), input_audio: rate(32) }
    assert.equal(costOf({ ...usage, ...parts }, uncached), 19_200_000 + 1_600_000 + 8_000_000)
  })

  it('never counts a token twice, however the parts contradict each other', () => {
    const tokens = fc.integer({ min: 0, max: 2000 })
    const parts = fc.record({
      ...{ input_audio_tokens: tokens, input_image_tokens: tokens, reasoning_tokens: tokens },
      ...{ output_audio_tokens: tokens, output_image_tokens: tokens, cache_read_tokens: tokens },
      ...{ cache_read_audio_tokens: tokens, cache_read_image_tokens: tokens },
      ...{ cache_write_tokens: tokens, cache_write_1h_tokens: tokens },
    })
    const kinds = [...Object.keys(realtime), 'cache_write', 'cache_write_1h', 'reasoning']
    const one: Rates = Object.fromEntries(kinds.map((kind) => [kind, rate(1)]))
    fc.assert(
      fc.property(parts, (some) => assert.equal(costOf({ ...usage, ...some }, one), 1_500_000)),
    )
  })
})

describe('catalogue prices of sound and images', () => {
  const cost = async (usage: object) => {
    const prices = await book()
    return prices.price({ input_tokens: 0, output_tokens: 0, ...usage }, noon).cost_nano_usd
  }

  it('of gemini-2.5-flash-image make an image cost four cents', async () => {
    const usage = { provider: 'google', model: 'gemini-2.5-flash-image', output_tokens: 1290 }
    assert.equal(await cost({ ...usage, output_image_tokens: 1290 }), 38_700_000)
    assert.equal(await cost(usage), 3_225_000)
  })

  it('of gpt-audio make sound cost as sound', async () => {
    const usage = {
      provider: 'openai',
      model: 'gpt-audio',
      input_tokens: 1000,
      output_tokens: 1000,
    }
    const sound = { input_audio_tokens: 1000, output_audio_tokens: 900 }
    // 1,000 × $32 + 900 × $64 + 100 × $10, per million
    assert.equal(await cost({ ...usage, ...sound }), 32_000_000 + 57_600_000 + 1_000_000)
    assert.equal(await cost(usage), 12_500_000)
  })

  it('of gemini-2.5-flash know cached sound', async () => {
    const usage = { provider: 'google', model: 'gemini-2.5-flash', input_tokens: 1000 }
    const sound = { input_audio_tokens: 800, cache_read_tokens: 500, cache_read_audio_tokens: 400 }
    // sound 400 × $1 + 400 × $0.10, text 100 × $0.30 + 100 × $0.03
    assert.equal(await cost({ ...usage, ...sound }), 400_000 + 40_000 + 30_000 + 3_000)
  })

  it('are those of text where a model has no others', async () => {
    const usage = { provider: 'openai', model: 'gpt-4o-mini', input_tokens: 1000 }
    assert.equal(await cost({ ...usage, input_image_tokens: 900 }), 150_000)
  })
})
