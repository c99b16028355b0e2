import assert from 'node:assert/strict'
import { startApp } from '../helpers/app.js'
import { bearer, ecSigner, forge, goodClaims, nowMs } from '../identity/forge.js'
import { jwks, startJwksServer } from '../identity/jwks-server.js'
import { rawClient } from './raw.js'

describe('the HTTP API with the keys of an issuer', () => {
  it('fetches once in a storm of 1,000 requests with unknown keys, and lets the others in', async () => {
    const issuer = await startJwksServer()
    const signer = ecSigner()
    issuer.answerWith(jwks([{ publicKey: signer.publicKey, kid: 'a' }]))
    let elapsed = 0
    const clock = { now: () => nowMs, elapsed: () => elapsed }
    const auth = { jwksUri: issuer.url, algorithms: ['ES256'] as const }
    const app = await startApp(() => undefined, { auth: { ...auth }, clock })
    const client = rawClient(app.url)
    const ask = async (kid: string, jti: number) => {
      const token = forge(signer, { ...goodClaims, jti }, { kid })
      return (await client.ask('GET', '/me/quota', bearer(token).slice(2, 4))).status
    }
    const storm = () => Promise.all(Array.from({ length: 1_000 }, (_, i) => ask(`x${i}`, i)))
    assert.deepEqual(new Set(await storm()), new Set([401]))
    assert.equal(issuer.requests(), 1)
    elapsed = 29_999
    assert.deepEqual(new Set(await storm()), new Set([401]))
    assert.equal(issuer.requests(), 1)
    elapsed = 30_000
    // An issuer that never answers holds up those with unknown keys, and nobody else.
    issuer.answerWith(() => undefined)
    const began = performance.now()
    const unknown = ask('y', 1)
    assert.equal(await ask('a', 2), 200)
    assert.equal(await unknown, 503)
    assert.ok(performance.now() - began < 8_000)
    assert.equal(issuer.requests(), 2)
    client.close()
    await app.close()
    await issuer.close()
  }).timeout(60_000)
})
