import assert from 'node:assert/strict'
import { BodyBuffer } from '../../src/capture/body.js'
import type { Reading } from '../../src/capture/reading.js'
import { ResponseReader } from '../../src/capture/response-reader.js'
import { expected, payload } from '../helpers/fixtures.js'

/** Streams of one provider's answer, and the provider whose host they came from. */
const streams = Object.entries(expected).filter(
  ([name, { provider }]) => name.endsWith('.sse') && !name.startsWith('vercel') && provider,
)

/** The stream with its middle event so many times. */
function lengthened(bytes: Buffer, times: number): Buffer {
  const events = bytes.toString('utf8').split('\n\n')
  const middle = Math.floor(events.length / 2)
  const again = Array.from({ length: times }, () => events[middle] ?? '')
  return Buffer.from([...events.slice(0, middle), ...again, ...events.slice(middle)].join('\n\n'))
}

function reader(provider: string): ResponseReader {
  return new ResponseReader('sse', { origin: { provider } })
}

/** As pieces of a socket, of which only references are kept. */
function readPieces(bytes: Buffer, size: number, provider: string): Reading {
  const body = new BodyBuffer()
  for (let at = 0; at < bytes.length; at += size) body.addLasting(bytes.subarray(at, at + size))
  return reader(provider).finishBody(body)
}

/** Everything, event by event. */
function readWhole(bytes: Buffer, provider: string): Reading {
  const whole = reader(provider)
  const half = Math.floor(bytes.length / 2)
  whole.pushBytes(bytes.subarray(0, half))
  return whole.finishBytes(bytes.subarray(half))
}

const facts = ({ text: _, text_length: __, origin: ___, ...rest }: Reading) => rest

describe("a provider's long stream, of which only the ends are looked at", () => {
  it('is one of several', () => assert.ok(streams.length >= 6))

  for (const [name, { provider }] of streams) {
    it(`gives what all of it gives: ${name}`, () => {
      for (const times of [1, 5, 20, 60]) {
        const bytes = lengthened(payload(name), times)
        const whole = facts(readWhole(bytes, provider ?? ''))
        for (const size of [1, 97, 230, 1_000, 5_000, bytes.length]) {
          const read = facts(readPieces(bytes, size, provider ?? ''))
          assert.deepEqual(read, whole, `${times} times, pieces of ${size}`)
        }
      }
    })
  }

  it('keeps its text where the figures are missing', () => {
    const bytes = lengthened(payload('openai-chat/stream-no-usage.sse'), 60)
    const read = readPieces(bytes, 230, 'openai')
    assert.equal(read.text.join(''), readWhole(bytes, 'openai').text.join(''))
    assert.ok(read.text_length > 60)
  })

  it('gives the last figures where every event has some', () => {
    const usage = (tokens: number) => ({
      ...{ prompt_tokens: 12, completion_tokens: tokens, total_tokens: 12 + tokens },
    })
    for (const count of [5, 20, 40, 100]) {
      const events = Array.from({ length: count }, (_, index) => ({
        ...{ id: 'x', object: 'chat.completion.chunk', model: 'sonar', usage: usage(index + 1) },
        choices: [{ index: 0, delta: { content: 'word ' } }],
      }))
      const lines = [...events.map((event) => JSON.stringify(event)), '[DONE]']
      const bytes = Buffer.from(lines.map((line) => `data: ${line}\n\n`).join(''))
      const read = readPieces(bytes, 230, 'perplexity')
      assert.equal(read.tokens.output_tokens, count)
    }
  })

  it('is read as a whole where its lines end in CRLF', () => {
    const text = lengthened(payload('openai-chat/stream-include-usage.sse'), 60).toString('utf8')
    const bytes = Buffer.from(text.replaceAll('\n', '\r\n'))
    assert.equal(readPieces(bytes, 230, 'openai').output_is_final, true)
  })
})
