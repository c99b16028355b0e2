import assert from 'node:assert/strict'
import { createUsage, UsageError, type UsageOptions } from '../../src/index.js'
import { book, noon } from './support.js'

const usage = { provider: 'openai', model: 'gpt-4o-mini', input_tokens: 1000, output_tokens: 500 }
const at3and15 = { input_usd_per_million: 3, output_usd_per_million: 15 }
const at1and1 = { input_usd_per_million: 1, output_usd_per_million: 1 }

describe('prices of the host’s own', () => {
  it('go before the catalogue’s', async () => {
    const prices = await book([{ model: 'gpt-4o-mini', ...at3and15 }])
    assert.deepEqual(prices.price(usage, noon), {
      cost_nano_usd: 10_500_000,
      cost_source: 'override',
    })
    assert.equal(prices.price({ ...usage, model: 'gpt-4o' }, noon).cost_source, 'catalogue')
  })

  it('price models that no catalogue knows, also without one', async () => {
    const prices = await book([{ model: 'house-*', ...at3and15 }], { catalogue: false })
    assert.equal(prices.price({ ...usage, model: 'house-7b' }, noon).cost_nano_usd, 10_500_000)
    assert.deepEqual(prices.price(usage, noon), { cost_nano_usd: null })
  })

  it('fit as closely as can be: whole names, longer beginnings, a provider, a service tier', async () => {
    const price = (input_usd_per_million: number) => ({
      input_usd_per_million,
      output_usd_per_million: 0,
    })
    const prices = await book([
      { model: '*', ...price(1) },
      { model: 'm-*', ...price(2) },
      { model: 'm-large-*', ...price(3) },
      { model: 'm-large-1', ...price(4) },
      { model: 'm-large-1', provider: 'acme', ...price(5) },
      { model: 'm-large-1', provider: 'acme', service_tier: 'batch', ...price(6) },
    ])
    const asked: [model: string, provider: string, tier: string | undefined, usd: number][] = [
      ['other', 'acme', undefined, 1],
      ['m-small', 'acme', undefined, 2],
      ['m-large-2', 'acme', undefined, 3],
      ['m-large-1', 'else', undefined, 4],
      ['m-large-1', 'acme', undefined, 5],
      ['m-large-1', 'acme', 'batch', 6],
    ]
    for (const [model, provider, service_tier, usd] of asked) {
      const one = { provider, model, service_tier, input_tokens: 1_000_000, output_tokens: 0 }
      assert.equal(prices.price(one, noon).cost_nano_usd, usd * 1e9, `${provider} ${model}`)
    }
  })

  it('hold from their first instant to just before their last', async () => {
    const prices = await book([
      { model: 'm', effective_to: '2026-06-01', ...at1and1 },
      {
        model: 'm',
        effective_from: '2026-06-01',
        effective_to: '2026-07-01T02:00:00+02:00',
        ...at3and15,
      },
    ])
    const cost = (at: string) =>
      prices.price({ ...usage, provider: 'acme', model: 'm' }, new Date(at)).cost_nano_usd
    assert.equal(cost('2020-01-01T00:00:00Z'), 1_500_000)
    assert.equal(cost('2026-05-31T23:59:59.999Z'), 1_500_000)
    assert.equal(cost('2026-06-01T00:00:00Z'), 10_500_000)
    assert.equal(cost('2026-06-30T23:59:59.999Z'), 10_500_000)
    assert.equal(cost('2026-07-01T00:00:00Z'), null)
  })

  it('are multiplied for other service as the provider does, and unknown where it does not say', async () => {
    const prices = await book([{ model: 'gpt-4o-mini', ...at3and15 }])
    const cost = (service_tier: string) => prices.price({ ...usage, service_tier }, noon)
    assert.equal(cost('batch').cost_nano_usd, 5_250_000)
    assert.deepEqual(cost('scale'), { cost_nano_usd: null })
  })

  it('bill cache writes by their own prices', async () => {
    const prices = await book([
      {
        ...{ model: 'm', ...at3and15, cache_read_usd_per_million: 0.3 },
        ...{ cache_write_usd_per_million: 3.75, cache_write_1h_usd_per_million: 6 },
      },
    ])
    const cached = {
      ...{ model: 'm', input_tokens: 400, output_tokens: 0, cache_read_tokens: 100 },
      ...{ cache_write_tokens: 200, cache_write_1h_tokens: 100 },
    }
    const { cost_nano_usd } = prices.price(cached, noon)
    assert.equal(cost_nano_usd, 100 * 3_000 + 100 * 300 + 100 * 3_750 + 100 * 6_000)
  })
})

describe('an own price for more than text', () => {
  const sound = {
    ...{ provider: 'openai', model: 'gpt-audio', input_tokens: 1000, output_tokens: 1000 },
    ...{ input_audio_tokens: 600, output_audio_tokens: 300, reasoning_tokens: 100 },
  }
  const text = { model: 'gpt-audio', ...at3and15 }

  it('bills sound, images and reasoning by their own rates, from the cache too', async () => {
    const prices = await book([
      {
        ...{ ...text, cache_read_usd_per_million: 0.3, reasoning_usd_per_million: 20 },
        ...{ input_audio_usd_per_million: 30, output_audio_usd_per_million: 60 },
        ...{ input_image_usd_per_million: 5, output_image_usd_per_million: 40 },
        ...{ cache_read_audio_usd_per_million: 3, cache_read_image_usd_per_million: 0.5 },
      },
    ])
    const spoken = 400 * 3_000 + 600 * 30_000 + 600 * 15_000 + 300 * 60_000 + 100 * 20_000
    assert.equal(prices.price(sound, noon).cost_nano_usd, spoken)
    const cached = { cache_read_tokens: 500, cache_read_audio_tokens: 200 }
    const less = 200 * (30_000 - 3_000) + 300 * (3_000 - 300)
    assert.equal(prices.price({ ...sound, ...cached }, noon).cost_nano_usd, spoken - less)
    const drawn = {
      ...{ provider: 'openai', model: 'gpt-audio', input_tokens: 100, output_tokens: 50 },
      ...{ input_image_tokens: 100, output_image_tokens: 50 },
      ...{ cache_read_tokens: 40, cache_read_image_tokens: 40 },
    }
    const picture = 60 * 5_000 + 40 * 500 + 50 * 40_000
    assert.equal(prices.price(drawn, noon).cost_nano_usd, picture)
  })

  it('takes for text what it does not name', async () => {
    const prices = await book([text])
    assert.equal(prices.price(sound, noon).cost_nano_usd, 1000 * 3_000 + 1000 * 15_000)
  })

  it('leaves searches and requests to the catalogue, unless it names them', async () => {
    const searched = {
      ...{ provider: 'anthropic', model: 'claude-sonnet-4-5', input_tokens: 0, output_tokens: 0 },
      ...{ web_searches: 5, service_tier: 'batch' },
    }
    const silent = await book([{ model: 'claude-*', ...at3and15 }])
    assert.deepEqual(silent.price(searched, noon), {
      cost_nano_usd: 50_000_000,
      cost_source: 'override',
    })
    const own = await book([{ model: 'claude-*', ...at3and15, web_search_usd_per_thousand: 4 }])
    assert.equal(own.price(searched, noon).cost_nano_usd, 20_000_000)
    const free = await book([{ model: 'claude-*', ...at3and15, web_search_usd_per_thousand: 0 }])
    assert.equal(free.price(searched, noon).cost_nano_usd, 0)
    const house = await book([
      {
        model: 'house',
        ...at3and15,
        file_search_usd_per_thousand: 2.5,
        request_usd_per_thousand: 1,
      },
    ])
    const found = { model: 'house', input_tokens: 0, output_tokens: 0, file_searches: 2 }
    assert.equal(house.price(found, noon).cost_nano_usd, 2 * 2_500_000 + 1_000_000)
  })
})

describe('the option pricing', () => {
  const refuses = (pricing: unknown, message: RegExp) => {
    const options = { mongoUri: 'mongodb://127.0.0.1:1', identify: () => undefined, pricing }
    assert.throws(
      () => createUsage(options as UsageOptions),
      (error) => error instanceof UsageError && message.test(error.message),
      JSON.stringify(pricing),
    )
  }

  it('is refused where it does not fit, by name, rule and value', () => {
    const one = (more: object) => ({ overrides: [{ model: 'm', ...at1and1, ...more }] })
    refuses({ overrides: [{ model: 'm' }] }, /pricing\.overrides\.0\.input_usd_per_million/)
    refuses(one({ input_usd_per_million: -1 }), /must not be negative/)
    refuses(one({ input_usd_per_million: '3' }), /must be a number/)
    refuses(one({ input_usd_per_million: Infinity }), /input_usd_per_million/)
    refuses(one({ input_usd_per_million: 0.0000000001 }), /nine decimals/)
    refuses(one({ web_search_usd_per_thousand: 0.0000001 }), /web_search.*six decimals/)
    refuses(one({ output_audio_usd_per_million: -1 }), /output_audio.*must not be negative/)
    refuses(one({ audio_usd_per_million: 1 }), /audio_usd_per_million/)
    refuses(one({ model: 'a*b' }), /one \*, at its end/)
    refuses(one({ model: '' }), /must not be empty/)
    refuses(one({ effective_from: 'soon' }), /date or an ISO 8601 instant/)
    refuses(
      one({ effective_from: '2026-02-01', effective_to: '2026-01-01' }),
      /end after it begins/,
    )
    refuses(one({ price: 3 }), /price is not an option/)
    refuses({ catalog: false }, /pricing\.catalog is not an option/)
    refuses({ catalogueFile: '' }, /pricing\.catalogueFile/)
  })
})
