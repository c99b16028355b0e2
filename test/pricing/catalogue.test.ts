import assert from 'node:assert/strict'
import { calcPrice, waitForUpdate, type Provider } from '@pydantic/genai-prices'
import type { PriceBook } from '../../src/pricing/price-book.js'
import { book, noon } from './support.js'

const usage = { input_tokens: 1000, output_tokens: 500 }

describe('the catalogue', function () {
  this.timeout(20_000)
  let prices: PriceBook
  let providers: Provider[]
  before(async () => {
    prices = await book()
    providers = (await waitForUpdate()) ?? []
  })
  const costOf = (provider: string | undefined, model: string, more: object = {}, at = noon) =>
    prices.price({ provider, model, ...usage, ...more }, at).cost_nano_usd

  it('gives the price of each model that its publisher gives, in whole nano-dollars', () => {
    const tokens = {
      ...{ input_tokens: 250_000, output_tokens: 12_345 },
      ...{ cache_read_tokens: 100_000, cache_write_tokens: 7_777 },
    }
    const times = ['2025-01-01T00:10:00Z', '2026-06-01T12:00:00Z', '2026-10-01T02:30:00Z']
    let compared = 0
    for (const at of times.map((time) => new Date(time))) {
      for (const { id: providerId, models } of providers) {
        for (const { id } of models) {
          const theirs = calcPrice(tokens, id, { providerId, timestamp: at })
          const mine = prices.price({ provider: providerId, model: id, ...tokens }, at)
          if (theirs === null) continue
          const { input_mtok, output_mtok } = theirs.model_price
          if (input_mtok === undefined || output_mtok === undefined) {
            assert.equal(mine.cost_nano_usd, null, `${providerId} ${id}`)
            continue
          }
          const cost = mine.cost_nano_usd ?? NaN
          assert.ok(Math.abs(cost / 1e9 - theirs.total_price) < 1e-8, `${providerId} ${id}`)
          compared++
        }
      }
    }
    assert.ok(compared > 4000, String(compared))
  })

  const names: [provider: string | undefined, model: string, cost: number][] = [
    ['openai', 'gpt-4o-mini', 450_000],
    ['openai', 'gpt-4o-mini-2024-07-18', 450_000],
    [undefined, 'gpt-4o-mini-2024-07-18', 450_000],
    [undefined, 'openai/gpt-4o-mini', 450_000],
    ['openrouter', 'openai/gpt-4o-mini', 450_000],
    ['azure', 'gpt-4o-mini-2024-07-18', 450_000],
    ['anthropic', 'claude-opus-4-1-20250805', 52_500_000],
    [undefined, 'claude-opus-4-1', 52_500_000],
    ['bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 11_550_000],
    [undefined, 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 11_550_000],
    ['google', 'models/gemini-2.5-pro', 6_250_000],
    [undefined, 'models/gemini-2.5-pro', 6_250_000],
    ['vertex_ai', 'publishers/google/models/gemini-2.5-pro', 6_250_000],
    ['moonshot', 'kimi-k2-0905-preview', 1_850_000],
    ['xai', 'grok-4', 10_500_000],
    ['groq', 'llama-3.3-70b-versatile', 985_000],
  ]
  for (const [provider, model, cost] of names) {
    it(`knows ${provider === undefined ? '' : `${provider}'s `}${model}`, () => {
      assert.equal(costOf(provider, model), cost)
    })
  }

  const unknown: [provider: string | undefined, model: string][] = [
    ['openai', 'gpt-4o-supernova'],
    [undefined, 'no-such-model'],
    ['acme', 'gpt-4o-mini'],
    ['ollama', 'llama3.2'],
    ['my-openai-proxy', 'gpt-4o-mini'],
    ['__proto__', 'gpt-4o-mini'],
    [undefined, 'llama-3.3-70b-versatile'],
    ['openai', 'whisper-1'],
  ]
  for (const [provider, model] of unknown) {
    it(`has no price, not a price of 0, for ${provider ?? 'nobody'}'s ${model}`, () => {
      const priced = prices.price({ provider, model, ...usage }, noon)
      assert.deepEqual(priced, { cost_nano_usd: null })
    })
  }

  it('has no price for an operation that names no model', () => {
    assert.deepEqual(prices.price({ provider: 'openai', ...usage }, noon), { cost_nano_usd: null })
  })

  it('bills Claude by the hour of its cache', () => {
    const cached = {
      ...{ input_tokens: 10_000, output_tokens: 200, cache_read_tokens: 6_000 },
      ...{ cache_write_tokens: 3_000, cache_write_1h_tokens: 1_000 },
    }
    // claude-opus-4-1: $15 in, $75 out; reads a tenth, 5-minute writes 1.25 ×, 1-hour writes 2 ×
    const expected = 1_000 * 15_000 + 6_000 * 1_500 + 2_000 * 18_750 + 1_000 * 30_000 + 200 * 75_000
    assert.equal(costOf('anthropic', 'claude-opus-4-1', cached), expected)
    // Bedrock's entry has no 1-hour price: twice its input of $3.30.
    const bedrock = 1_000 * 3_300 + 6_000 * 330 + 2_000 * 4_125 + 1_000 * 6_600 + 200 * 16_500
    const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
    assert.equal(costOf('bedrock', model, cached), bedrock)
  })

  it('bills a Gemini prompt above 200,000 tokens by the higher tier, all of it', () => {
    const long = { input_tokens: 300_000, output_tokens: 1_000, cache_read_tokens: 100_000 }
    const expected = 200_000 * 2_500 + 100_000 * 250 + 1_000 * 15_000
    assert.equal(costOf('google', 'gemini-2.5-pro', long), expected)
    assert.equal(costOf('google', 'gemini-2.5-pro', { input_tokens: 200_000 }), 255_000_000)
  })

  it('goes by the date of the operation, and by its time of day', () => {
    const o3 = (at: string) => costOf('openai', 'o3', {}, new Date(at))
    assert.equal(o3('2025-06-09T23:59:59Z'), 10_000_000 + 20_000_000)
    assert.equal(o3('2025-06-10T00:00:00Z'), 2_000_000 + 4_000_000)
    const deepseek = (time: string) =>
      costOf('deepseek', 'deepseek-chat', {}, new Date(`2025-08-01T${time}Z`))
    assert.equal(deepseek('00:29:59'), 135_000 + 275_000)
    assert.equal(deepseek('00:30:00'), 270_000 + 550_000)
    assert.equal(deepseek('16:30:00'), 135_000 + 275_000)
  })

  const tiers: [provider: string, model: string, service_tier: string, cost: number | null][] = [
    ['openai', 'gpt-4o-mini', 'default', 450_000],
    ['openai', 'gpt-4o-mini', 'auto', 450_000],
    ['openai', 'gpt-4o-mini', 'batch', 225_000],
    ['openai', 'gpt-5', 'flex', 3_125_000],
    ['openai', 'gpt-4o-mini', 'priority', 750_000],
    ['openai', 'gpt-4.1', 'priority', 3_500_000 + 7_000_000],
    ['openai', 'gpt-5-2025-08-07', 'priority', 12_500_000],
    ['openai', 'gpt-5-2025-08-07', 'fast', 12_500_000],
    ['openai', 'gpt-5.5', 'fast', 50_000_000],
    ['openai', 'gpt-5.6-terra', 'priority', 20_000_000],
    ['openai', 'gpt-4.1', 'scale', null],
    ['anthropic', 'claude-opus-4-1', 'standard', 52_500_000],
    ['anthropic', 'claude-opus-4-1', 'batch', 26_250_000],
    ['anthropic', 'claude-opus-4-1', 'priority', null],
    ['anthropic', 'claude-opus-4-1', 'fast', null],
    ['anthropic', 'claude-opus-4-6', 'fast', 105_000_000],
    ['anthropic', 'claude-opus-4-8', 'fast', 35_000_000],
    ['anthropic', 'claude-opus-4-8', 'fast+us', 38_500_000],
    ['anthropic', 'claude-sonnet-4-6', 'us', 11_550_000],
    ['anthropic', 'claude-sonnet-4-6', 'batch+us', 5_775_000],
    ['anthropic', 'claude-sonnet-4-6', 'eu', null],
    ['google', 'gemini-2.5-pro', 'flex', 3_125_000],
    ['bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'priority', 20_212_500],
    ['groq', 'llama-3.3-70b-versatile', 'on_demand', 985_000],
    ['groq', 'llama-3.3-70b-versatile', 'flex', 985_000],
    ['cohere', 'command-a', 'toString', null],
  ]
  for (const [provider, model, service_tier, cost] of tiers) {
    it(`bills ${provider}'s ${model} served as ${service_tier}`, () => {
      assert.equal(costOf(provider, model, { service_tier }), cost)
    })
  }

  it('believes the provider before anything else, with what it bills beside', () => {
    const reported = { provider: 'openrouter', model: 'openai/gpt-4o-mini', ...usage }
    // OpenRouter with the host's own key: its fee and the upstream's price.
    const cost_usd = 0.0000125 + 0.00025
    assert.deepEqual(prices.price({ ...reported, cost_usd }, noon), {
      cost_nano_usd: 262_500,
      cost_source: 'provider',
    })
    assert.equal(prices.price({ ...reported, cost_usd: 0 }, noon).cost_nano_usd, 0)
    assert.equal(prices.price({ ...reported, cost_usd: NaN }, noon).cost_source, 'catalogue')
  })
})
