import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MessageBody } from '../../src/capture/message-body.js'
import type { Reading } from '../../src/capture/reading.js'
import { ResponseReader } from '../../src/capture/response-reader.js'

const head = {
  contentType: 'text/event-stream; charset=utf-8',
  contentEncoding: undefined,
  readerOptions: {},
}
const mostHeld = 256 * 1024

interface Case {
  readonly events: number
  readonly word: string
  readonly tells: 'usage' | 'nothing' | 'error'
  readonly size: number
  readonly as: 'text' | 'bytes' | 'lasting'
}

function streamOf({ events, word, tells }: Case): string {
  const chunk = { id: 'chatcmpl-1', object: 'chat.completion.chunk', model: 'gpt-4o-2024-08-06' }
  const payloads: object[] = Array.from({ length: events }, (_, index) => ({
    ...chunk,
    choices: [{ index: 0, delta: { content: `${word}${index} ` }, finish_reason: null }],
  }))
  const usage = { prompt_tokens: 12, completion_tokens: events, total_tokens: 12 + events }
  if (tells === 'usage') payloads.push({ ...chunk, choices: [], usage })
  if (tells === 'error') payloads.push({ error: { type: 'overloaded', message: 'later' } })
  return [...payloads.map((payload) => JSON.stringify(payload)), '[DONE]']
    .map((data) => `data: ${data}\n\n`)
    .join('')
}

/** As it passes, in pieces; and what was held at most. */
async function passed(stream: string, { size, as }: Case) {
  const body = new MessageBody(head, 1024 * 1024)
  const all: string | Buffer = as === 'text' ? stream : Buffer.from(stream)
  let [held, sent] = [0, 0]
  for (let at = 0; at < all.length; at += size) {
    const piece = all.slice(at, at + size)
    if (as === 'lasting') body.addLasting(piece as Buffer)
    else body.add(piece, undefined)
    // A pair of surrogates that is cut is sent as two replacements.
    sent += Buffer.byteLength(piece)
    held = Math.max(held, body.buffer.held)
  }
  const reading = await body.read()
  return { reading, held, isCounted: body.buffer.bytes === sent }
}

/** Event by event. */
function whole(stream: string): Reading {
  const reader = new ResponseReader('sse')
  reader.push(stream.slice(0, 10))
  return reader.finish(stream.slice(10))
}

const facts = ({ text: _, text_length: __, ...rest }: Reading) => rest

describe('a stream of any length, which is read in windows once it is long', function () {
  this.timeout(60_000)

  it('gives what it gives event by event, however it is cut, and holds little', async () => {
    const cases = fc.record({
      events: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 500, max: 4_000 })),
      word: fc.constantFrom('word', 'größe', '猫が', '🎈', '"usage":{}'),
      tells: fc.constantFrom('usage', 'nothing', 'error'),
      size: fc.oneof(fc.integer({ min: 60, max: 900 }), fc.integer({ min: 901, max: 100_000 })),
      as: fc.constantFrom('text', 'bytes', 'lasting'),
    } satisfies Record<keyof Case, unknown>) as fc.Arbitrary<Case>
    const property = fc.asyncProperty(cases, async (one) => {
      const stream = streamOf(one)
      const { reading, held, isCounted } = await passed(stream, one)
      const expected = whole(stream)
      assert.deepEqual(facts(reading), facts(expected))
      if (one.tells !== 'usage') assert.equal(reading.text.join(''), expected.text.join(''))
      assert.ok(isCounted)
      assert.ok(held <= mostHeld, `${held} held`)
    })
    await fc.assert(property, { numRuns: 150 })
  })

  it('is looked at for its figures only, up to 256 KiB', async () => {
    for (const [events, isWhole] of [
      [1_500, true],
      [2_500, false],
    ] as const) {
      const one = { events, word: 'word', tells: 'usage', size: 200, as: 'text' } as const
      const stream = streamOf(one)
      assert.equal(stream.length < mostHeld, isWhole)
      const { reading } = await passed(stream, one)
      // Its text is left out where the provider's figures make it needless.
      assert.equal(reading.text.length < 10, isWhole)
    }
  })
})
