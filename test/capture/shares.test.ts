import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  costOfParts,
  modelShare,
  sharesOf,
  sumOf,
  tokenSourceOf,
  type Part,
} from '../../src/capture/shares.js'

const figure = fc.option(fc.nat(1_000_000), { nil: undefined })
const part: fc.Arbitrary<Part> = fc.record({
  provider: fc.constantFrom('openai', 'anthropic', undefined),
  model: fc.constantFrom('small', 'large', undefined),
  generation_id: fc.constant(undefined),
  service_tier: fc.constant(undefined),
  tokens: fc.record({ input_tokens: fc.nat(1_000_000), output_tokens: fc.nat(1_000_000) }),
  token_source: fc.constantFrom('provider', 'tokenizer', 'estimate'),
  cost: fc.record({ cost_nano_usd: fc.oneof(fc.nat(1_000_000_000), fc.constant(null)) }),
})
const parts = fc.array(part, { minLength: 1, maxLength: 12 })

describe('the shares of models in an operation', () => {
  it('add up to the operation, and lose no call', () => {
    fc.assert(
      fc.property(parts, (all) => {
        const shares = sharesOf(all).map(modelShare)
        const whole = sumOf(all)
        const total = (key: 'input_tokens' | 'output_tokens' | 'attempts') =>
          shares.reduce((sum, share) => sum + share[key], 0)
        assert.equal(total('input_tokens'), whole.input_tokens)
        assert.equal(total('output_tokens'), whole.output_tokens)
        assert.equal(total('attempts'), all.length)
        assert.equal(
          new Set(shares.map((one) => `${one.provider} ${one.model}`)).size,
          shares.length,
        )
        const used = shares.map((share) => share.input_tokens + share.output_tokens)
        assert.deepEqual(
          used,
          used.toSorted((a, b) => b - a),
        )
      }),
    )
  })

  it('tell what was sound or images, where there was any', () => {
    const known = { provider: 'google', model: 'gemini-2.5-flash', generation_id: undefined }
    const one = (media: object): Part => ({
      ...{ ...known, service_tier: undefined, token_source: 'provider' },
      tokens: { input_tokens: 9, output_tokens: 9, ...media },
      cost: { cost_nano_usd: null },
    })
    const parts = [one({ input_audio_tokens: 5 }), one({ input_audio_tokens: 2 }), one({})]
    const [share] = sharesOf(parts).map(modelShare)
    assert.equal(share?.input_audio_tokens, 7)
    assert.ok(!('output_image_tokens' in share))
  })

  it('are of one service tier, or say that there were several', () => {
    const tierOf = (...tiers: (string | undefined)[]) => {
      const tokens = { input_tokens: 1, output_tokens: 1 }
      const cost = { cost_nano_usd: null }
      const known = { provider: 'openai', model: 'gpt-5', generation_id: undefined, tokens, cost }
      const of = tiers.map((service_tier) => ({ ...known, service_tier }))
      const refused: Part = { ...known, service_tier: undefined, tokens: {}, token_source: 'none' }
      const all: Part[] = [
        ...of.map((one) => ({ ...one, token_source: 'provider' as const })),
        refused,
      ]
      return sharesOf(all).map(modelShare)[0]?.service_tier
    }
    assert.equal(tierOf('flex', 'flex'), 'flex')
    assert.equal(tierOf('default', undefined), undefined)
    assert.equal(tierOf('priority', 'default'), 'mixed')
    assert.equal(tierOf('flex', undefined), 'mixed')
  })

  it('have a cost together only if each of them has one', () => {
    fc.assert(
      fc.property(parts, (all) => {
        const costs = sharesOf(all).map((share) => modelShare(share).cost_nano_usd)
        const whole = costOfParts(all).cost_nano_usd
        if (costs.includes(null)) assert.equal(whole, null)
        else
          assert.equal(
            whole,
            costs.reduce<number>((sum, cost) => sum + (cost ?? NaN), 0),
          )
      }),
    )
  })

  it('are as sure as the least sure part', () => {
    fc.assert(
      fc.property(parts, (all) => {
        const found = tokenSourceOf(all)
        const sources = all.map((one) => one.token_source)
        const order = ['provider', 'tokenizer', 'estimate'] as const
        assert.equal(
          found,
          order.findLast((one) => sources.includes(one)),
        )
      }),
    )
  })

  it('leave out figures that no part tells, and take a part without one as 0', () => {
    fc.assert(
      fc.property(part, figure, figure, (one, first, second) => {
        const reading = (cache_read_tokens: number | undefined): Part => ({
          ...one,
          tokens: { ...one.tokens, ...(cache_read_tokens !== undefined && { cache_read_tokens }) },
        })
        const { cache_read_tokens } = sumOf([reading(first), reading(second)])
        const isKnown = first !== undefined || second !== undefined
        assert.equal(cache_read_tokens, isKnown ? (first ?? 0) + (second ?? 0) : undefined)
      }),
    )
  })
})
