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

describe('the most that a request can use', () => {
  const sent = (headers: object, body?: unknown) => {
    const req = { headers, body } as unknown as IncomingMessage
    const free = () => ({ cost_nano_usd: 0 })
    return upperBound(req, free, noon.getTime()).tokens - 32_768
  }
  const chunked = { 'transfer-encoding': 'chunked' }
  const packed = { 'content-length': '100', 'content-encoding': 'gzip' }

  it('is a token for each byte that is sent', () => {
    assert.equal(sent({ 'content-length': '1000' }), 1000)
    assert.equal(sent({}), 0)
    assert.equal(sent({ 'content-length': '0' }), 0)
    for (const headers of [chunked, packed]) {
      assert.equal(sent(headers, { prompt: 'é' }), 15)
      assert.equal(sent(headers, Buffer.alloc(700)), 700)
      assert.equal(sent(headers, 'é'), 2)
    }
  })

  it('is 32,768 tokens where nobody knows yet how long a body will be', () => {
    for (const headers of [chunked, packed]) assert.equal(sent(headers), 32_768)
  })
})
