import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseAuthOptions } from '../../src/identity/auth-options.js'
import { createVerifier } from '../../src/identity/verifier.js'
import { anyCharacter } from '../helpers/characters.js'
import { base64url, forge, goodClaims, hmacSigner, rsaSigner, testClock } from './forge.js'

const signer = hmacSigner()
const token = forge(signer, goodClaims)
const reasons = ['missing', 'malformed', 'duplicate_header', 'expired', 'not_active']
reasons.push('bad_signature', 'bad_claims', 'keys_unavailable')

function outcome(rawHeaders: readonly string[]) {
  const verifier = createVerifier(parseAuthOptions(signer.auth, true), testClock())
  const verdict = verifier.verify(rawHeaders)
  assert.ok(!(verdict instanceof Promise))
  return verdict.ok ? 'ok' : verdict.reason
}

describe('Authorization header', () => {
  const values: readonly (readonly [string, string])[] = [
    [`Bearer ${token}`, 'ok'],
    [`bearer ${token}`, 'ok'],
    [`BEARER ${token}`, 'ok'],
    [`Bearer  ${token}`, 'malformed'],
    [`Bearer\t${token}`, 'malformed'],
    [`Bearer ${token} `, 'malformed'],
    [`Bearer ${token}, Bearer ${token}`, 'malformed'],
    [`Bearer "${token}"`, 'malformed'],
    [`Bearer ${'.'.repeat(8000)}`, 'malformed'],
    ['Bearer ', 'malformed'],
    ['Bearer', 'malformed'],
    ['', 'malformed'],
    ['Basic YTpi', 'missing'],
    [`Token ${token}`, 'missing'],
    [token, 'missing'],
  ]
  for (const [value, expected] of values) {
    it(`is ${expected} when it reads ${JSON.stringify(value.replace(token, '<token>').slice(0, 40))}`, () => {
      assert.equal(outcome(['Host', 'x', 'AUTHORIZATION', value]), expected)
    })
  }

  it('is missing when there is none', () => {
    assert.equal(outcome([]), 'missing')
    assert.equal(outcome(['Proxy-Authorization', `Bearer ${token}`]), 'missing')
    assert.equal(outcome(['Cookie', 'authorization', 'X', 'authorization']), 'missing')
  })

  it('is refused when there are two, be they equal or of different schemes', () => {
    for (const second of [`Bearer ${token}`, 'Basic YTpi', '']) {
      const pair = ['Authorization', `Bearer ${token}`, 'authorization', second]
      assert.equal(outcome(pair), 'duplicate_header')
    }
  })
})

describe('verifier, whatever it is sent', () => {
  const rsa = rsaSigner()
  const verifiers = [signer, rsa].map(({ auth }) =>
    createVerifier(parseAuthOptions(auth, true), testClock()),
  )
  const judge = async (rawHeaders: readonly string[]) => {
    for (const verifier of verifiers) {
      const verdict = await verifier.verify(rawHeaders)
      assert.ok(verdict.ok || reasons.includes(verdict.reason))
      if (verdict.ok) assert.equal(verdict.caller.user_id, 'alice')
    }
  }
  const part = fc.oneof(
    fc.string(),
    fc.string({ unit: anyCharacter }),
    fc.json().map(base64url),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64url')),
    fc.constantFrom(...token.split('.')),
    fc
      .record(
        { alg: fc.anything(), typ: fc.anything(), kid: fc.anything(), crit: fc.anything() },
        { requiredKeys: ['alg'] },
      )
      .map((header) => {
        try {
          return base64url(header)
        } catch {
          return ''
        }
      }),
  )
  const value = fc.oneof(
    fc.string({ unit: anyCharacter }),
    fc.array(part, { maxLength: 5 }).map((parts) => `Bearer ${parts.join('.')}`),
  )
  const name = fc.oneof(fc.string(), fc.constantFrom('authorization', 'Authorization', 'Host'))

  it('always gives a verdict and never throws', async () => {
    const headers = fc.array(fc.oneof(name, value), { maxLength: 9 })
    const one = value.map((text) => ['Authorization', text])
    await fc.assert(fc.asyncProperty(fc.oneof(headers, one), judge), { numRuns: 1500 })
  })

  it('judges any signed payload and header', () => {
    const known = fc.constantFrom(
      'sub',
      'exp',
      'iat',
      'nbf',
      'role',
      'roles',
      'tier',
      'org',
      '__proto__',
    )
    const payload = fc.oneof(fc.jsonValue(), fc.dictionary(known, fc.jsonValue()))
    const header = fc.dictionary(
      fc.constantFrom('typ', 'kid', 'crit', 'jwk', 'b64'),
      fc.jsonValue(),
    )
    const verifier = createVerifier(parseAuthOptions(signer.auth, true), testClock())
    const property = fc.property(payload, header, (claims, head) => {
      const raw = JSON.stringify(claims)
      const verdict = verifier.verify(['Authorization', `Bearer ${forge(signer, raw, head)}`])
      assert.ok(!(verdict instanceof Promise))
      assert.ok(verdict.ok || reasons.includes(verdict.reason))
    })
    fc.assert(property, { numRuns: 800 })
  })

  it('accepts no token of which one character was changed', () => {
    const verifier = createVerifier(parseAuthOptions(signer.auth, true), testClock())
    const property = fc.property(
      fc.nat({ max: token.length - 1 }),
      fc.stringMatching(/^[\w.=-]$/),
      (index, character) => {
        const changed = token.slice(0, index) + character + token.slice(index + 1)
        const verdict = verifier.verify(['Authorization', `Bearer ${changed}`])
        assert.ok(!(verdict instanceof Promise))
        assert.equal(verdict.ok, changed === token)
      },
    )
    fc.assert(property, { numRuns: 2000 })
  })
})
