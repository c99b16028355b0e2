import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import type { BodyKind } from '../../../src/capture/content.js'
import { ResponseReader } from '../../../src/capture/response-reader.js'
import { SseReader } from '../../../src/capture/sse.js'
import { isTokenCount } from '../../../src/event.js'
import { framed } from '../../capture/frames.js'
import { payload } from '../../helpers/fixtures.js'
import { cases, edited, edits, quickly, timeoutMs } from './fuzz.js'

const folder = new URL('../../fixtures/providers/', import.meta.url)
const seeds = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(sse|ndjson|json|txt)$/.test(name) && name !== 'expected.json')
  .map((name) => payload(name).toString('utf8').slice(0, 6_000))

const kinds = ['sse', 'ndjson', 'json', 'text'] as const satisfies BodyKind[]

/** What a provider would not send. */
const pieces = [
  ...['\n\n', '\r', '\r\n', '\n', '\ufeff', '\0', '\ud83d', '\udc00', '\u2028', '\x1b[2J'],
  ...['data:', 'data: ', 'event: error\n', 'event:', 'id:\n', ':\n', 'data: [DONE]\n\n', '[DONE]'],
  ...['"usage":{', '"usage": {', '"usage":   ', '"usageMetadata":{', '"error"', '"error":{"type":'],
  ...['{', '}', '[', ']', '"', '\\', '\\u', ',', ':', 'null', 'true', '"__proto__":{"x":1},'],
  ...['1e999', '-1', '1e309', '9007199254740993', '0.1', '-0', '1E400', '00', '٣', 'NaN'],
  ...['"prompt_tokens":-5,', '"output_tokens":1e300,', '"input_tokens":"7",', '"model":{"$ne":1},'],
  ...['[['.repeat(500), '{"a":'.repeat(500), '"usage":{'.repeat(200), '\\'.repeat(999)],
  ...['data:\n'.repeat(300), '\n'.repeat(1_000), '\r'.repeat(1_000), 'a'.repeat(5_000)],
]

const frames = seeds.slice(0, 6).map((seed, index) => {
  const names = ['contentBlockDelta', 'metadata', 'chunk', 'messageStop']
  const headers = { ':event-type': names[index % 4] ?? '', ':message-type': 'event' }
  return framed(headers, seed.slice(0, 800))
})

const shape = {
  seed: fc.nat(seeds.length - 1),
  todo: edits(5),
  cuts: fc.array(fc.nat(999_999), { maxLength: 5 }),
}

function sound({ tokens, text_length }: ResponseReader['reading']): void {
  for (const figure of Object.values(tokens)) assert.ok(isTokenCount(figure), String(figure))
  assert.ok(text_length >= 0 && text_length <= 8_000_000)
}

/** Positions in something of this length, ascending, its ends among them. */
function positions(cuts: readonly number[], length: number): number[] {
  const inside = cuts.map((cut) => Math.floor((cut / 1_000_000) * length))
  return [0, ...inside.sort((a, b) => a - b), length]
}

describe('readers of streams, whatever a provider sends', function () {
  this.timeout(timeoutMs)

  it('read damaged bodies of every kind, cut anywhere', () => {
    const property = fc.property(
      fc.record({ ...shape, kind: fc.constantFrom(...kinds) }),
      ({ seed, todo, cuts, kind }) => {
        const bytes = Buffer.from(edited(seeds[seed] ?? '', todo, pieces))
        const reading = quickly(() => {
          const reader = new ResponseReader(kind)
          if (kind === 'json' || cuts.length === 0) return reader.finishBytes(bytes)
          const at = positions(cuts, bytes.length)
          for (const [index, end] of at.slice(1).entries())
            reader.pushBytes(bytes.subarray(at[index], end))
          return reader.finishBytes(Buffer.alloc(0))
        })
        sound(reading)
      },
    )
    fc.assert(property, { numRuns: cases })
  })

  it('read the same events wherever a stream is cut', () => {
    const events = (parts: readonly string[]) => {
      const found: unknown[] = []
      const reader = new SseReader(
        (data, offset, event) => found.push([data, offset, event]),
        4_000,
      )
      for (const part of parts) reader.push(part)
      reader.end()
      return found
    }
    const property = fc.property(fc.record(shape), ({ seed, todo, cuts }) => {
      const text = edited(seeds[seed] ?? '', todo, pieces)
      const at = positions(cuts, text.length)
      const parts = at.slice(1).map((end, index) => text.slice(at[index], end))
      quickly(() => events(parts))
      assert.deepEqual(events(parts), events([text]))
    })
    fc.assert(property, { numRuns: cases })
  })

  it('read damaged frames', () => {
    const property = fc.property(
      fc.record({
        which: fc.array(fc.nat(frames.length - 1), { minLength: 1, maxLength: 3 }),
        flips: fc.array(fc.tuple(fc.nat(999_999), fc.nat(255)), { maxLength: 3 }),
        cuts: shape.cuts,
        end: fc.nat(1_000_000),
      }),
      ({ which, flips, cuts, end }) => {
        const whole = Buffer.concat(which.map((index) => frames[index] ?? Buffer.alloc(0)))
        for (const [at, value] of flips) whole[Math.floor((at / 1_000_000) * whole.length)] = value
        const bytes = whole.subarray(0, Math.ceil((end / 1_000_000) * whole.length))
        const reading = quickly(() => {
          const reader = new ResponseReader('eventstream')
          const at = positions(cuts, bytes.length)
          for (const [index, to] of at.slice(1).entries())
            reader.pushBytes(bytes.subarray(at[index], to))
          return reader.finishBytes(Buffer.alloc(0))
        })
        sound(reading)
      },
    )
    fc.assert(property, { numRuns: cases })
  })
})
