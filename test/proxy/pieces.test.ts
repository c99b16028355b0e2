import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readGeneration } from '../../src/proxy/generation.js'
import { hideUsage } from '../../src/proxy/hide-usage.js'
import { membersOf, setMembers, withoutMember } from '../../src/proxy/members.js'
import { Scrubber } from '../../src/proxy/scrub.js'
import { SseEvents } from '../../src/proxy/sse-events.js'
import { parseTarget } from '../../src/proxy/target.js'

/** Cuts bytes at the given fractions of their length. */
function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const at = [0, ...fractions.map((f) => Math.floor(f * bytes.length)), bytes.length]
  const sorted = at.toSorted((a, b) => a - b)
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
}

const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 })
const json = fc.dictionary(fc.string(), fc.jsonValue()).map((value) => ({ ...value }))
const spacing = fc.constantFrom(undefined, 2, '\t')

describe('what OpenRouter says of a generation later', () => {
  const told = { native_tokens_prompt: 10, native_tokens_completion: 5, total_cost: 0.001 }
  const costOf = (more: object) => readGeneration({ data: { ...told, ...more } })?.cost_nano_usd

  it('has a cost where all of it is told', () => {
    assert.equal(costOf({}), 1_000_000)
    assert.equal(costOf({ is_byok: false, upstream_inference_cost: 0.02 }), 1_000_000)
    assert.equal(costOf({ is_byok: true, upstream_inference_cost: 0.02 }), 21_000_000)
    assert.equal(costOf({ is_byok: true, upstream_inference_cost: null }), null)
    assert.equal(costOf({ total_cost: null }), null)
  })
})

describe('the members of a JSON text', () => {
  it('are found where JSON.parse finds them', () => {
    fc.assert(
      fc.property(json, spacing, (value, space) => {
        const text = ` ${JSON.stringify(value, null, space)}\n`
        const found = membersOf(text).map(({ key, valueStart, end }) => [
          key,
          JSON.parse(text.slice(valueStart, end)) as unknown,
        ])
        assert.deepEqual(found, Object.entries(JSON.parse(text) as object))
      }),
    )
  })

  it('are set and taken out as on the object, the rest of the text unchanged', () => {
    fc.assert(
      fc.property(json, spacing, fc.string(), fc.jsonValue(), (value, space, key, set) => {
        fc.pre(key !== '__proto__' && !Object.hasOwn(value, '__proto__'))
        const text = JSON.stringify(value, null, space)
        const edited = setMembers(text, membersOf(text), { [key]: set })
        const plain = JSON.parse(JSON.stringify({ ...value, [key]: set })) as object
        assert.deepEqual(JSON.parse(edited), plain)
        const members = membersOf(edited)
        const index = members.findIndex((member) => member.key === key)
        const { [key]: _, ...rest } = plain as Record<string, unknown>
        assert.deepEqual(JSON.parse(withoutMember(edited, members, index)), rest)
        if (!Object.hasOwn(value, key)) assert.equal(withoutMember(edited, members, index), text)
      }),
    )
  })
})

describe('the events of a stream', () => {
  it('are whole and lose no byte, wherever they are cut', () => {
    const line = fc.constantFrom('data: x', ': comment', 'event: y', 'data: é🥐', '')
    const end = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(fc.array(line), end, fractions, (lines, lineEnd, at) => {
        const bytes = Buffer.from(lines.map((one) => one + lineEnd).join(''))
        const cutter = new SseEvents()
        const events = cut(bytes, at).flatMap((chunk) => cutter.push(chunk))
        assert.ok(events.every((event) => /(?:^|[\r\n])\r?\n?$/.test(event.toString())))
        assert.deepEqual(Buffer.concat([...events, cutter.end()]), bytes)
      }),
    )
  })

  it('lose the usage only where it is a chunk of its own or null', () => {
    const event = (text: string) => hideUsage(Buffer.from(text)).toString()
    const kept = [
      'data: {"choices":[{"index":0}],"usage":{"prompt_tokens":1}}\n\n',
      'data: {"choices":[],"prompt_filter_results":[]}\n\n',
      'data: {"choices":[{"delta":{"content":"\\"usage\\":null"}}]}\n\n',
      'data: {"choices":[{"usage":null}]}\n\n',
      ': "usage":null\n\n',
      'data: "usage"\n\n',
      'data: {"usage":nul\n\n',
    ]
    for (const text of kept) assert.equal(event(text), text)
    assert.equal(event('data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'), '')
    assert.equal(event('data: { "a": 1, "usage": null }\n\n'), 'data: { "a": 1 }\n\n')
    assert.equal(event('data: {"usage":null,"a":1}\r\n\r\n'), 'data: {"a":1}\r\n\r\n')
    assert.equal(event('data:{"usage":null}\n\n'), 'data:{}\n\n')
  })
})

describe('a key in bytes that pass', () => {
  const key = 'sk-s/k-secret"key'
  const forms = [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]

  it('is blotted out wherever they are cut, and nothing else is', () => {
    const word = fc.constantFrom(...forms, 's', 'sk-', 'sk-s', 'hello', key.slice(0, -1), ' ')
    fc.assert(
      fc.property(fc.array(word), fractions, (words, at) => {
        const text = words.join('')
        const scrubber = new Scrubber(key)
        const chunks = cut(Buffer.from(text), at).map((chunk) => scrubber.push(chunk))
        const clean = Buffer.concat([...chunks, scrubber.end()]).toString()
        assert.equal(clean.length, text.length)
        for (const form of forms) assert.ok(!clean.includes(form))
        const expected = forms.reduce(
          (left, form) => left.replaceAll(form, '*'.repeat(form.length)),
          text,
        )
        assert.equal(clean, expected)
      }),
    )
  })

  it('holds nothing back that cannot be its beginning', () => {
    const scrubber = new Scrubber(key)
    assert.equal(scrubber.push(Buffer.from('data: {}\n\n')).toString(), 'data: {}\n\n')
  })
})

describe('a target below the mount path', () => {
  it('is one that leads nowhere else, or none', () => {
    fc.assert(
      fc.property(fc.webPath(), fc.string(), (path, tail) => {
        const target = parseTarget(`${path}${tail}`)
        if (target === undefined) return
        const url = new URL(`http://provider/base${target.path}`)
        assert.equal(url.pathname, `/base${target.path}`)
        assert.equal(url.host, 'provider')
      }),
      { numRuns: 1000 },
    )
  })
})
