import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseAuthOptions } from '../../../src/identity/auth-options.js'
import { createVerifier, type Verdict } from '../../../src/identity/verifier.js'
import {
  base64url,
  edSigner,
  forge,
  goodClaims,
  hmacSigner,
  nowSeconds,
  testClock,
} from '../../identity/forge.js'
import { cases, edited, edits, quickly, timeoutMs } from './fuzz.js'

const hmac = hmacSigner()
const ed = edSigner()

/** Tokens that are good, before anybody has altered them. */
const good = [hmac, ed].flatMap((signer) => [
  forge(signer, goodClaims),
  forge(signer, { ...goodClaims, role: 'user', tier: 'pro', org: 'acme' }, { kid: 'a' }),
])

const pieces = [
  ...['.', '..', '=', '==', '-', '_', '+', '/', ' ', '\t', ',', ', Bearer ', 'Bearer ', '\0', '"'],
  ...[{ alg: 'none' }, { alg: 'nOnE' }, { alg: 'HS256' }, { alg: ['EdDSA'] }, {}].map(base64url),
  ...[{ ...goodClaims, role: 'admin' }, { sub: { $ne: null } }, [], null, 1].map(base64url),
  ...[base64url('['.repeat(2_000)), 'A'.repeat(9_000), '.'.repeat(500), 'e30', 'e30.e30.', '%2e'],
]

const odd = fc.constantFrom<unknown>(
  ...[null, true, '', 'admin', 'alice', 7, -1, 1e300, 0.5, [], {}, ['admin'], { $ne: null }],
  ...[nowSeconds, nowSeconds - 31, nowSeconds + 31, nowSeconds + 60, String(nowSeconds + 60)],
  ...['\ud800', 'a\nb', 'x'.repeat(257), 'anonymous', '__proto__', Number.MAX_SAFE_INTEGER + 2],
)
const member = fc.constantFrom(
  ...['sub', 'exp', 'iat', 'nbf', 'iss', 'aud', 'role', 'roles', 'tier', 'org', '__proto__', 'jti'],
)
const claims = fc.array(fc.tuple(member, odd), { maxLength: 4 })
const headers = fc.dictionary(
  fc.constantFrom('alg', 'typ', 'kid', 'crit', 'jku', 'jwk', 'x5u', 'b64', 'zip', 'cty'),
  odd,
  { maxKeys: 2 },
)

/** Those that a token may have and be let in, judged apart from the code under test. */
function mayPass(payload: Record<string, unknown>): boolean {
  const { sub, exp, nbf = 0, iat = 0 } = payload
  const isName = typeof sub === 'string' && sub.length > 0 && sub.length <= 256
  const times = [exp, nbf, iat].every((time) => Number.isSafeInteger(time))
  return isName && times && Number(exp) > nowSeconds - 30 && Number(nbf) <= nowSeconds + 30
}

describe('the guard of the HTTP API, whatever token it is shown', function () {
  this.timeout(timeoutMs)
  const verifierOf = (auth: typeof hmac.auth | typeof ed.auth) =>
    createVerifier(parseAuthOptions(auth, true), testClock())
  const verifiers = [verifierOf(hmac.auth), verifierOf(ed.auth)]
  const judge = async (rawHeaders: readonly string[]): Promise<Verdict[]> => {
    const verdicts: Verdict[] = []
    for (const verifier of verifiers) {
      verdicts.push(await quickly(() => verifier.verify(rawHeaders)))
    }
    return verdicts
  }

  it('lets nobody in with a token that was altered', async () => {
    const seen = { admitted: 0, refused: 0 }
    const property = fc.asyncProperty(fc.nat(good.length - 1), edits(3), async (which, todo) => {
      const token = edited(good[which] ?? '', todo, pieces)
      for (const verdict of await judge(['Host', 'x', 'Authorization', `Bearer ${token}`])) {
        if (verdict.ok) assert.ok(good.includes(token), token)
        seen[verdict.ok ? 'admitted' : 'refused'] += 1
      }
    })
    await fc.assert(property, { numRuns: cases })
    assert.ok(seen.admitted > 0 && seen.refused > cases, JSON.stringify(seen))
  })

  it('lets in with a well signed token only whom its claims name', async () => {
    const property = fc.asyncProperty(claims, headers, async (changes, header) => {
      const payload = { ...goodClaims, ...Object.fromEntries(changes) }
      const [verdict] = await judge(['Authorization', `Bearer ${forge(hmac, payload, header)}`])
      if (!verdict?.ok) return
      assert.ok(mayPass(payload), JSON.stringify(payload))
      assert.equal(verdict.caller.user_id, payload.sub)
      const { role, roles } = payload as Record<string, unknown>
      const isAdmin = role === 'admin' || (Array.isArray(roles) && roles.includes('admin'))
      assert.equal(verdict.caller.is_admin, isAdmin)
    })
    await fc.assert(property, { numRuns: cases })
  })
})
