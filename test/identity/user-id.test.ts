import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseUserId } from '../../src/identity/user-id.js'

describe('parseUserId', () => {
  it('takes any well-formed string of 1 to 256 characters as it is', () => {
    const ids = ['a', 'alice@example.com', ' x ', 'auth0|5f7', 'Ünï', '用户', '$where', '__proto__']
    for (const id of [...ids, 'a'.repeat(256), '😀'.repeat(256)]) assert.equal(parseUserId(id), id)
  })

  it('takes nothing else', () => {
    const strings = ['', 'a'.repeat(257), '😀'.repeat(257), 'a\u0000', '\u007f', '\u0085', 'a\n']
    const others = [
      undefined,
      null,
      1,
      true,
      {},
      ['a'],
      { $ne: null },
      new String('a'),
      Symbol('a'),
    ]
    for (const value of [...strings, '\ud800', 'a\udc00b', ...others]) {
      assert.equal(parseUserId(value), undefined)
    }
  })

  it('never takes two ids that are the same bytes in UTF-8', () => {
    const surrogates = fc.array(fc.integer({ min: 0xd700, max: 0xe0ff }), { maxLength: 6 })
    const property = fc.property(surrogates, (units) => {
      const id = parseUserId(String.fromCharCode(...units))
      if (id !== undefined) assert.equal(Buffer.from(id).toString(), id)
    })
    fc.assert(property, { numRuns: 2000 })
  })

  it('takes the shared bucket as an id, for those who ask about it', () => {
    assert.equal(parseUserId('anonymous'), 'anonymous')
  })
})
