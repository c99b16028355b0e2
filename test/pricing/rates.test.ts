import assert from 'node:assert/strict'
import fc from 'fast-check'
import { costOf, rateOfUsd, type Factor, type Rates } from '../../src/pricing/rates.js'

const rate = (usd: number) => ({ base: rateOfUsd(usd), tiers: [] })
const sonnet: Rates = {
  input: rate(3),
  output: rate(15),
  cache_read: rate(0.3),
  cache_write: rate(3.75),
  cache_write_1h: rate(6),
}

describe('the cost of one operation', () => {
  it('is 10,500,000 nano-dollars for 1,000 in and 500 out at $3 and $15 per million', () => {
    assert.equal(costOf({ input_tokens: 1000, output_tokens: 500 }, sonnet), 10_500_000)
  })

  it('takes cache reads and writes out of the input, and 1-hour writes out of the writes', () => {
    const usage = {
      ...{ input_tokens: 21_000, output_tokens: 500, cache_read_tokens: 12_000 },
      ...{ cache_write_tokens: 8_000, cache_write_1h_tokens: 3_000 },
    }
    // 1,000 × $3 + 12,000 × $0.30 + 5,000 × $3.75 + 3,000 × $6 + 500 × $15, per million
    assert.equal(costOf(usage, sonnet), 3_000_000 + 3_600_000 + 18_750_000 + 18_000_000 + 7_500_000)
  })

  it('does not add reasoning to the output it is part of', () => {
    const usage = { input_tokens: 1000, output_tokens: 500, reasoning_tokens: 400 }
    assert.equal(costOf(usage, sonnet), 10_500_000)
    assert.equal(costOf(usage, { ...sonnet, reasoning: rate(1) }), 3_000_000 + 1_500_000 + 400_000)
  })

  it('bills cache as input where it has no price of its own', () => {
    const usage = {
      ...{ input_tokens: 1000, output_tokens: 0, cache_read_tokens: 500 },
      ...{ cache_write_tokens: 100, cache_write_1h_tokens: 50 },
    }
    assert.equal(costOf(usage, { input: rate(3), output: rate(15) }), 3_000_000)
  })

  it('is unknown, not 0, where a kind of token that was used has no price', () => {
    assert.equal(costOf({ input_tokens: 1, output_tokens: 1 }, { input: rate(3) }), null)
    assert.equal(costOf({ input_tokens: 1, output_tokens: 0 }, { output: rate(3) }), null)
    assert.equal(costOf({ input_tokens: 1000, output_tokens: 0 }, { input: rate(3) }), 3_000_000)
  })

  it('bills the whole request by the tier that its prompt reaches', () => {
    const tiered = (base: number, above: number) => ({
      base: rateOfUsd(base),
      tiers: [{ above: 200_000, rate: rateOfUsd(above) }],
    })
    const gemini: Rates = { input: tiered(1.25, 2.5), output: tiered(10, 15) }
    const cost = (input_tokens: number) => costOf({ input_tokens, output_tokens: 1000 }, gemini)
    assert.equal(cost(200_000), 250_000_000 + 10_000_000)
    assert.equal(cost(200_001), 500_002_500 + 15_000_000)
  })

  it('is rounded once, half up', () => {
    const half: Factor = { times: 1, over: 2 }
    assert.equal(costOf({ input_tokens: 1, output_tokens: 0 }, { input: rate(0.0005) }), 1)
    assert.equal(costOf({ input_tokens: 1, output_tokens: 0 }, { input: rate(0.000499) }), 0)
    assert.equal(costOf({ input_tokens: 1, output_tokens: 0 }, { input: rate(0.003) }, half), 2)
    const thirds = { input: rate(0.0004), output: rate(0.0004) }
    assert.equal(costOf({ input_tokens: 1, output_tokens: 1 }, thirds), 1)
  })

  it('is what rational arithmetic gives, for any tokens, prices and multiple', () => {
    const tokens = fc.integer({ min: 0, max: 1_000_000_000 })
    const price = fc.integer({ min: 0, max: 500_000_000_000 })
    const factors = [
      { times: 1, over: 1 },
      { times: 1, over: 2 },
      { times: 5, over: 3 },
    ]
    fc.assert(
      fc.property(
        ...([tokens, tokens, price, price, fc.constantFrom(...factors)] as const),
        (input_tokens, output_tokens, input, output, factor) => {
          const rates = { input: { base: input, tiers: [] }, output: { base: output, tiers: [] } }
          const sum = BigInt(input_tokens) * BigInt(input) + BigInt(output_tokens) * BigInt(output)
          const over = 1_000_000n * BigInt(factor.over)
          const exact = (2n * sum * BigInt(factor.times) + over) / (2n * over)
          assert.equal(costOf({ input_tokens, output_tokens }, rates, factor), Number(exact))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('adds up exactly over a million tiny operations', () => {
    const embedding = { input: rate(0.02) }
    let sum = 0
    let tokens = 0n
    for (let i = 0; i < 1_000_000; i++) {
      const input_tokens = 1 + (i % 7)
      sum += costOf({ input_tokens, output_tokens: 0 }, embedding) ?? NaN
      tokens += BigInt(input_tokens)
    }
    // $0.02 per million tokens is 20 nano-dollars a token.
    assert.equal(BigInt(sum), 20n * tokens)
  })
})
