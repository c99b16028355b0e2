import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { upperBound } from '../../src/limits/upper-bound.js'
import { book, noon } from '../pricing/support.js'

describe('the most that a request can cost', () => {
  it('is that of sound or images where they cost more than text', async () => {
    const prices = await book()
    const most = (model: string) => {
      const headers = { 'content-length': '1000' }
      const req = { headers, body: { model, max_tokens: 1000 } } as unknown as IncomingMessage
      return upperBound(req, (usage, at) => prices.price(usage, at), noon.getTime()).cost
    }
    assert.equal(most('gpt-audio'), 32_000_000 + 64_000_000)
    assert.equal(most('gemini-2.5-flash-image'), 300_000 + 30_000_000)
    assert.equal(most('gpt-4o-mini'), 150_000 + 600_000)
  })
})
