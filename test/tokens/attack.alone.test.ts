import assert from 'node:assert/strict'
import { get_encoding, type Tiktoken } from 'tiktoken'
import type { CountRequest, TokenCounter } from '../../src/tokens/counter.js'
import { easyShapes, hardShapes } from './shapes.js'
import { testCounter, watchGaps, type Gaps } from './support.js'

const mebibyte = 1024 * 1024
const deadlineMs = 10_000
const mostRuns = 5

describe('a prompt of 1 MiB', () => {
  let counter: TokenCounter
  let plain: Tiktoken

  before(async () => {
    plain = get_encoding('o200k_base')
    counter = testCounter({ deadlineMs }).counter
    await counter.count({ model: 'gpt-4o', completion: 'warm' })
  })

  after(async () => {
    plain.free()
    await counter.close()
  })

  /**
   * Counts while watching this thread; resolves with the input tokens. What counting does to this
   * thread it does in every run, and others on the machine can only add to it: the best run counts,
   * beside the best of an idle thread.
   */
  async function countQuietly(prompt: CountRequest['prompt'] & object): Promise<number> {
    const best: Gaps = { here: Infinity, elsewhere: Infinity }
    for (let run = 0; run < mostRuns; run += 1) {
      const stop = await watchGaps()
      const counted = await counter.count({ model: 'gpt-4o', prompt })
      const gaps = await stop()
      assert.ok(counted, 'counted within the deadline')
      best.here = Math.min(best.here, gaps.here)
      best.elsewhere = Math.min(best.elsewhere, gaps.elsewhere)
      if (best.here <= 20 || (run === mostRuns - 1 && best.here <= 2 * best.elsewhere)) {
        return counted.input_tokens
      }
    }
    assert.fail(`event loop held up for ${best.here} ms, an idle one ${best.elsewhere} ms`)
  }

  for (const [shape, make] of Object.entries(hardShapes)) {
    it(`of ${shape} is counted without holding up the event loop`, async () => {
      const text = make(mebibyte)
      assert.ok((await countQuietly({ messages: [{ text }] })) > 1000)
    })
  }

  for (const shape of ['prose', 'base64', 'special tokens']) {
    it(`of ${shape} is counted as the plain encoder counts it`, async () => {
      const text = easyShapes[shape]?.(mebibyte) ?? ''
      const expected = plain.encode_ordinary(text).length
      const counted = await countQuietly({ messages: [{ text }] })
      assert.ok(Math.abs(counted - expected) <= expected / 100, `${counted} for ${expected}`)
    })
  }

  it('in a hundred thousand messages is counted without holding up the event loop', async () => {
    const messages = Array.from({ length: 100_000 }, (_, i) => ({
      role: 'user',
      text: `hello ${i}`,
    }))
    const counted = await countQuietly({ messages })
    assert.ok(counted > 700_000 && counted < 900_000, `${counted}`)
  })

  it('in its tools is counted without holding up the event loop', async () => {
    const properties = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, i) => [
        `field_${i}`,
        { type: 'string', description: 'x' },
      ]),
    )
    const tools = [{ name: 'big', parameters: { type: 'object', properties } }]
    assert.ok((await countQuietly({ messages: [{ role: 'user', text: 'hi' }], tools })) > 100_000)
  })

  it('is bounded at 4 Mi characters: beyond, the head is counted and scaled', async () => {
    const text = 'hello world '.repeat(800_000)
    const counted = await counter.count({ prompt: { messages: [{ text }] }, model: 'gpt-4o' })
    assert.ok(counted)
    assert.equal(counted.token_source, 'estimate')
    const expected = 1_600_000
    assert.ok(Math.abs(counted.input_tokens - expected) < expected / 100)
  })
})
