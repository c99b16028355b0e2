import fc from 'fast-check'

const surrogates = { from: 0xd800, count: 0x800 }

/** Any character of Unicode: fast-check's own unit `binary`, which takes seconds to make a table of all of them. */
export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - surrogates.count })
  .map(
    (index) => String.fromCodePoint(index < surrogates.from ? index : index + surrogates.count),
    (character) => {
      const code = typeof character === 'string' ? character.codePointAt(0) : undefined
      const isOne = code !== undefined && character === String.fromCodePoint(code)
      if (!isOne) throw new Error('not one character')
      return code < surrogates.from ? code : code - surrogates.count
    },
  )
