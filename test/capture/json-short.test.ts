import assert from 'node:assert/strict'
import fc from 'fast-check'
import { MessageBody } from '../../src/capture/message-body.js'
import type { Reading } from '../../src/capture/reading.js'
import { ResponseReader } from '../../src/capture/response-reader.js'
import { shortened } from '../../src/capture/json-short.js'
import type { Json } from '../../src/capture/json.js'
import { expected, payload } from '../helpers/fixtures.js'

const answers = Object.keys(expected).filter((name) => name.endsWith('.json'))
const facts = ({ text: _, text_length: __, ...rest }: Reading) => rest

/** The same with each longer string so many times. */
function lengthened(value: Json | undefined, times: number): Json | undefined {
  if (typeof value === 'string') return /^[\w.:/-]*$/.test(value) ? value : value.repeat(times)
  if (Array.isArray(value)) return value.map((one) => lengthened(one, times) ?? null)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([key, one]) => [key, lengthened(one, times)])
  return Object.fromEntries(members) as Json
}

/** What differs, as pairs of values. */
function differences(one: unknown, other: unknown): [unknown, unknown][] {
  if (Object.is(one, other)) return []
  const isParted = [one, other].every((value) => typeof value === 'object' && value !== null)
  const [left, right] = [one, other] as [Record<string, unknown>, Record<string, unknown>]
  if (!isParted || Array.isArray(one) !== Array.isArray(other)) return [[one, other]]
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])]
  return keys.flatMap((key) => differences(left[key], right[key]))
}

const body = (contentType: string) =>
  new MessageBody({ contentType, contentEncoding: undefined, readerOptions: {} }, 1024 * 1024)

describe('a long JSON answer, of which only the ends are parsed', () => {
  it('is one of many formats', () => assert.ok(answers.length >= 10))

  for (const name of answers) {
    it(`gives what all of it gives: ${name}`, () => {
      for (const times of [1, 10, 40, 200]) {
        const value = lengthened(JSON.parse(payload(name).toString()) as Json, times)
        const text = JSON.stringify(value)
        const whole = facts(new ResponseReader('json').finish(text))
        assert.deepEqual(facts(new ResponseReader('json').finishBytes(Buffer.from(text))), whole)
        const ended = body('application/json')
        ended.add(Buffer.from(text), undefined, true)
        assert.deepEqual(facts(ended.read() as Reading), whole)
        assert.equal(ended.buffer.bytes, Buffer.byteLength(text))
      }
    })
  }

  it('is read without its middle', () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
    const message = { role: 'assistant', content: 'He said "no". '.repeat(4) + 'x'.repeat(9_000) }
    const answer = { object: 'chat.completion', model: 'm', choices: [{ message }], usage }
    const reading = new ResponseReader('json').finishBytes(Buffer.from(JSON.stringify(answer)))
    const { input_tokens, output_tokens } = reading.tokens
    assert.deepEqual([input_tokens, output_tokens], [3, 4])
    assert.ok(reading.text_length > 0 && reading.text_length < 2_000)
  })

  it('keeps all of its text where the figures are missing, or impossible', () => {
    for (const usage of [undefined, { prompt_tokens: 3, completion_tokens: -4 }]) {
      const content = 'One word after another. '.repeat(400)
      const message = { role: 'assistant', content }
      const answer = { object: 'chat.completion', model: 'm', choices: [{ message }], usage }
      const ended = body('application/json')
      ended.add(Buffer.from(JSON.stringify(answer)), undefined, true)
      assert.equal((ended.read() as Reading).text.join(''), content)
    }
  })

  it('is never another value: at most one text is shorter, or a list of numbers', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 40 }),
      fc
        .tuple(fc.string({ minLength: 1, maxLength: 9 }), fc.nat(1_500))
        .map(([s, n]) => s.repeat(n)),
      fc.constantFrom('\\', '"', '\\"', '"},{"a":"', '],"usage":{"b":1}', '\n'.repeat(900)),
    )
    const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), {
      maxLength: 400,
    })
    const { value } = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        ...[text, fc.integer(), fc.constant(null), numbers],
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 6 }), tie('value'), { maxKeys: 6 }),
      ),
    }))
    let shorter = 0
    const members = fc.dictionary(fc.string({ maxLength: 6 }), value, { minKeys: 2, maxKeys: 8 })
    fc.assert(
      fc.property(members, (whole) => {
        const json = JSON.stringify(whole)
        const short = shortened(Buffer.from(json))
        if (short === undefined) return
        shorter += 1
        const found = differences(JSON.parse(json), short)
        const isText = found.length === 1 && found[0]?.every((one) => typeof one === 'string')
        const areNumbers = found.every(([one, other]) =>
          [typeof one, typeof other].every((type) => type === 'number' || type === 'undefined'),
        )
        assert.ok(isText || areNumbers, json)
      }),
      { numRuns: 3_000 },
    )
    assert.ok(shorter > 100, `${shorter} were shortened`)
  })
})
