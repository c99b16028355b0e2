import assert from 'node:assert/strict'
import { parseAuthOptions } from '../../src/identity/auth-options.js'
import { createVerifier } from '../../src/identity/verifier.js'
import { bearer, ecSigner, forge, goodClaims, nowSeconds, testClock } from './forge.js'

describe('verifier memory', () => {
  const signer = ecSigner()
  const setUp = () => {
    const clock = testClock()
    return { clock, verifier: createVerifier(parseAuthOptions(signer.auth, true), clock) }
  }

  it('answers for a token seen before at once, with the same caller', async () => {
    const { verifier } = setUp()
    const headers = bearer(forge(signer, goodClaims))
    const first = verifier.verify(headers)
    assert.ok(first instanceof Promise)
    const verdict = await first
    assert.equal(verifier.verify([...headers, 'X-Other', '1']), verdict)
  })

  it('knows a token by all of its characters', async () => {
    const { verifier } = setUp()
    const token = forge(signer, goodClaims)
    assert.ok((await verifier.verify(bearer(token))).ok)
    for (const other of [token.slice(0, -1), `${token}A`, token.toUpperCase(), ` ${token}`]) {
      assert.equal((await verifier.verify(bearer(other))).ok, false)
    }
  })

  it('refuses a remembered token as soon as it has expired', async () => {
    const { verifier, clock } = setUp()
    const headers = bearer(forge(signer, { ...goodClaims, exp: nowSeconds + 60 }))
    assert.ok((await verifier.verify(headers)).ok)
    clock.advance(89_999)
    const last = verifier.verify(headers)
    assert.ok(!(last instanceof Promise) && last.ok)
    clock.advance(1)
    const after = await verifier.verify(headers)
    assert.equal(!after.ok && after.reason, 'expired')
  })

  it('does not remember a refusal', async () => {
    const { verifier, clock } = setUp()
    const headers = bearer(forge(signer, { ...goodClaims, nbf: nowSeconds + 60 }))
    assert.equal((await verifier.verify(headers)).ok, false)
    clock.advance(30_000)
    assert.equal((await verifier.verify(headers)).ok, true)
  })

  it('still sees a second Authorization header beside a remembered token', async () => {
    const { verifier } = setUp()
    const headers = bearer(forge(signer, goodClaims))
    assert.ok((await verifier.verify(headers)).ok)
    const verdict = await verifier.verify([...headers, 'authorization', 'Bearer x'])
    assert.equal(!verdict.ok && verdict.reason, 'duplicate_header')
  })

  it('forgets the tokens used longest ago rather than grow beyond 8 MiB', async () => {
    const { verifier } = setUp()
    const headers = Array.from({ length: 1150 }, (_, jti) =>
      bearer(forge(signer, { ...goodClaims, jti, filler: 'x'.repeat(5800) })),
    )
    for (const each of headers) assert.ok((await verifier.verify(each)).ok)
    const remembered = headers.map((each) => !(verifier.verify(each) instanceof Promise))
    const count = remembered.filter(Boolean).length
    assert.ok(count > 500 && count < 1150, String(count))
    assert.equal(remembered[0], false)
    assert.equal(remembered.at(-1), true)
  })
})
