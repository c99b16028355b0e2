import assert from 'node:assert/strict'
import fc from 'fast-check'
import { get_encoding, type Tiktoken } from 'tiktoken'
import type { EncodingName } from '../../src/tokens/encoding.js'
import { countSlices, countText, type Encoder } from '../../src/tokens/text.js'
import { anyCharacter } from '../helpers/characters.js'
import { bestTime } from './support.js'
import { easyShapes, hardShapes, trickyShapes } from './shapes.js'

interface Watched extends Encoder {
  plain(text: string): number
  longest: number
}

function watched(tiktoken: Tiktoken): Watched {
  return {
    longest: 0,
    encode(text) {
      assert.equal(typeof text, 'string')
      this.longest = Math.max(this.longest, text.length)
      return tiktoken.encode_ordinary(text)
    },
    byteLength: (token) => tiktoken.decode_single_token_bytes(token).length,
    plain: (text) => tiktoken.encode_ordinary(text).length,
  }
}

const encodingNames: readonly EncodingName[] = ['o200k_base', 'cl100k_base']

for (const name of encodingNames) {
  describe(`counting text with ${name}`, () => {
    let tiktoken: Tiktoken
    let encoder: Watched

    before(() => {
      tiktoken = get_encoding(name)
      encoder = watched(tiktoken)
    })

    after(() => tiktoken.free())

    for (const [shape, make] of Object.entries({ ...hardShapes, ...trickyShapes })) {
      it(`gives what the plain encoder gives for ${shape}`, () => {
        for (const length of [300, 1500]) {
          const text = make(length)
          assert.equal(countText(encoder, text), encoder.plain(text))
        }
      })
    }

    for (const [shape, make] of Object.entries(easyShapes)) {
      it(`gives what the plain encoder gives for 100 KB of ${shape}`, () => {
        const text = make(100_000)
        assert.equal(countText(encoder, text), encoder.plain(text))
      })
    }

    it('stays within 1 % of the plain encoder whatever the text is made of', () => {
      const unit = fc.oneof(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
        fc.string({ unit: anyCharacter, minLength: 1, maxLength: 4 }),
        fc.constantFrom(' ', '\n', '\t', '=', '-', 'a', 'A', '1', '中', '😀', "'s", ' the'),
      )
      const part = fc.tuple(unit, fc.integer({ min: 1, max: 800 }))
      const shape = fc.array(part, { minLength: 1, maxLength: 5 })
      fc.assert(
        fc.property(shape, (parts) => {
          const text = parts.map(([piece, times]) => piece.repeat(times).slice(0, 1000)).join('')
          const plain = encoder.plain(text)
          const difference = Math.abs(countText(encoder, text) - plain)
          assert.ok(difference <= Math.max(1, plain / 100), `${difference} of ${plain} tokens`)
        }),
        { numRuns: 40 },
      )
    })

    it('hands the encoder no more than 8 KB at once', () => {
      encoder.longest = 0
      countText(encoder, 'no end in sight '.repeat(4000))
      assert.ok(encoder.longest > 4000 && encoder.longest <= 8192)
      encoder.longest = 0
      countText(encoder, 'a'.repeat(5000))
      assert.ok(encoder.longest <= 192)
    })

    it('never cuts a surrogate pair', () => {
      const seen: string[] = []
      const spy = {
        ...encoder,
        encode: (text: string) => (seen.push(text), tiktoken.encode_ordinary(text)),
      }
      countText(spy, 'a' + '😀'.repeat(3000))
      assert.ok(seen.length > 10)
      assert.ok(seen.every((slice) => !/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(slice)))
    })

    it('counts special tokens in user text as the text they are', () => {
      assert.ok(countText(encoder, '<|endoftext|>') > 1)
    })

    it('gives 0 for what is not a string, without asking the encoder', () => {
      for (const value of [undefined, null, 7, {}, ['text'], Symbol('s')]) {
        assert.equal(countText(encoder, value), 0)
      }
      assert.equal(countText(encoder, ''), 0)
    })

    it('takes few milliseconds for a slice', () => {
      for (const make of Object.values(hardShapes)) {
        const text = make(50_000)
        const tenSlices = () => {
          const slices = countSlices(encoder, text)
          for (let i = 0; i < 10; i++) slices.next()
        }
        assert.ok(bestTime(tenSlices) < 100)
      }
    })
  })
}
