import assert from 'node:assert/strict'
import { parseAuthOptions, type AuthOptions } from '../../src/identity/auth-options.js'
import { RemoteKeys } from '../../src/identity/remote-keys.js'
import { createVerifier } from '../../src/identity/verifier.js'
import { bearer, ecSigner, forge, goodClaims, rsaSigner, testClock } from './forge.js'
import { failing, jwks, startJwksServer } from './jwks-server.js'

describe('verifier with the keys of an issuer', () => {
  let server: Awaited<ReturnType<typeof startJwksServer>>
  beforeEach(async () => {
    server = await startJwksServer()
  })
  afterEach(() => server.close())

  function setUp() {
    const clock = testClock()
    const auth: AuthOptions = { jwksUri: server.url, algorithms: ['ES256', 'RS256'] }
    const verifier = createVerifier(parseAuthOptions(auth, true), clock)
    let serial = 0
    /** What a token never seen before, of a key id, is answered. */
    const ask = async (signer: ReturnType<typeof ecSigner>, kid?: string) => {
      const token = forge(
        signer,
        { ...goodClaims, jti: serial++ },
        kid === undefined ? {} : { kid },
      )
      const verdict = await verifier.verify(bearer(token))
      return verdict.ok ? 'ok' : verdict.reason
    }
    return { clock, ask, verifier }
  }

  it('fetches the keys once, when the first token comes', async () => {
    const { ask } = setUp()
    const signer = ecSigner()
    server.answerWith(jwks([{ publicKey: signer.publicKey, kid: 'a' }]))
    assert.equal(server.requests(), 0)
    assert.deepEqual(await Promise.all([ask(signer, 'a'), ask(signer, 'a')]), ['ok', 'ok'])
    assert.equal(await ask(signer, 'a'), 'ok')
    assert.equal(server.requests(), 1)
  })

  it('finds a rotated key, and drops the old one', async () => {
    const { ask, clock } = setUp()
    const [old, fresh] = [ecSigner(), ecSigner()]
    server.answerWith(jwks([{ publicKey: old.publicKey, kid: 'old' }]))
    assert.equal(await ask(old, 'old'), 'ok')
    server.answerWith(jwks([{ publicKey: fresh.publicKey, kid: 'fresh' }]))
    assert.equal(await ask(fresh, 'fresh'), 'bad_signature')
    clock.advance(30_000)
    assert.equal(await ask(fresh, 'fresh'), 'ok')
    assert.equal(await ask(old, 'old'), 'bad_signature')
  })

  it('fetches at most once in 30 s however many unknown key ids it is asked for', async () => {
    const { ask, clock } = setUp()
    const signer = ecSigner()
    server.answerWith(jwks([{ publicKey: signer.publicKey, kid: 'a' }]))
    const storm = () => Promise.all(Array.from({ length: 200 }, (_, i) => ask(signer, `x${i}`)))
    assert.deepEqual(new Set(await storm()), new Set(['bad_signature']))
    assert.equal(server.requests(), 1)
    clock.advance(29_999)
    await storm()
    assert.equal(server.requests(), 1)
    clock.advance(1)
    await storm()
    await storm()
    assert.equal(server.requests(), 2)
    assert.equal(await ask(signer, 'a'), 'ok')
  })

  it('fetches nothing for tokens that can be refused without a key', async () => {
    const { verifier } = setUp()
    for (const token of ['x', 'a.b.c', forge(ecSigner(), goodClaims, { alg: 'none' })]) {
      await verifier.verify(bearer(token))
    }
    assert.equal(server.requests(), 0)
  })

  it('tries every fitting key for a token without key id', async () => {
    const { ask } = setUp()
    const [first, second, rsa] = [ecSigner(), ecSigner(), rsaSigner()]
    server.answerWith(jwks([first, second, rsa]))
    assert.equal(await ask(second), 'ok')
    assert.equal(await ask(first), 'ok')
    assert.equal(await ask(rsa), 'ok')
    assert.equal(await ask(ecSigner()), 'bad_signature')
  })

  it('accepts nobody while the keys cannot be had, and recovers within 5 s', async () => {
    const { ask, clock } = setUp()
    const signer = ecSigner()
    server.answerWith(failing)
    assert.equal(await ask(signer, 'a'), 'keys_unavailable')
    assert.equal(await ask(signer, 'a'), 'keys_unavailable')
    assert.equal(server.requests(), 1)
    server.answerWith(jwks([{ publicKey: signer.publicKey, kid: 'a' }]))
    clock.advance(5_000)
    assert.equal(await ask(signer, 'a'), 'ok')
  })

  it('lives on the keys it has for 10 minutes, renewing them in the background', async () => {
    const { ask, clock } = setUp()
    const signer = ecSigner()
    server.answerWith(jwks([{ publicKey: signer.publicKey, kid: 'a' }]))
    assert.equal(await ask(signer, 'a'), 'ok')
    server.answerWith(failing)
    clock.advance(9 * 60_000)
    assert.equal(await ask(signer, 'a'), 'ok')
    clock.advance(60_000)
    assert.equal(await ask(signer, 'a'), 'keys_unavailable')
    assert.ok(server.requests() >= 2)
  })

  it('says that a key is unavailable, not wrong, while it could not ask for it', async () => {
    const { ask, clock } = setUp()
    const signer = ecSigner()
    server.answerWith(jwks([{ publicKey: signer.publicKey, kid: 'a' }]))
    assert.equal(await ask(signer, 'a'), 'ok')
    server.answerWith(failing)
    clock.advance(30_000)
    assert.equal(await ask(signer, 'b'), 'keys_unavailable')
    assert.equal(await ask(signer, 'a'), 'ok')
  })

  it('takes no answer that is not a key set of reasonable size', async () => {
    const many = { keys: Array.from({ length: 101 }, () => ({ kty: 'EC' })) }
    const bodies = ['', 'null', '[]', '{}', '{"keys":{}}', '{"keys":[]}', '{"keys":[1]}', '<html>']
    for (const body of [...bodies, JSON.stringify(many), ' '.repeat(600_000)]) {
      const { ask } = setUp()
      server.answerWith((_, res) => res.end(body))
      assert.equal(await ask(ecSigner(), 'a'), 'keys_unavailable')
    }
  })

  it('follows no redirect and tells the operator why it has no keys', async () => {
    const { verifier } = setUp()
    server.answerWith((_, res) => res.writeHead(302, { location: server.url }).end())
    const verdict = await verifier.verify(bearer(forge(ecSigner(), goodClaims)))
    assert.equal(server.requests(), 1)
    assert.ok(!verdict.ok && verdict.cause instanceof Error)
    assert.doesNotMatch(verdict.description, /127\.0\.0\.1|fetch/)
  })

  it('takes no secret and no private key from the issuer', async () => {
    const { ask } = setUp()
    const signer = ecSigner()
    const jwk = { ...signer.key.export({ format: 'jwk' }), kid: 'a' }
    const oct = { kty: 'oct', k: 'AAAA', kid: 'b' }
    server.answerWith((_, res) => res.end(JSON.stringify({ keys: [jwk, oct] })))
    assert.equal(await ask(signer, 'a'), 'bad_signature')
    assert.equal(await ask(signer, 'b'), 'bad_signature')
  })

  it('remembers a verified token for at most 5 minutes', async () => {
    const { clock, verifier } = setUp()
    const signer = ecSigner()
    const headers = bearer(forge(signer, goodClaims, { kid: 'a' }))
    server.answerWith(jwks([{ publicKey: signer.publicKey, kid: 'a' }]))
    assert.ok((await verifier.verify(headers)).ok)
    clock.advance(5 * 60_000 - 1)
    assert.ok(!(verifier.verify(headers) instanceof Promise))
    clock.advance(1)
    assert.ok(verifier.verify(headers) instanceof Promise)
  })
})

describe('RemoteKeys', () => {
  it('waits for an issuer that does not answer no longer than the timeout', async () => {
    const server = await startJwksServer()
    server.answerWith(() => undefined)
    const found = await new RemoteKeys(server.url, testClock(), 100).find('ES256', 'a')
    assert.equal(found.state, 'unavailable')
    await server.close()
  })

  it('waits for an issuer that dribbles no longer than the timeout', async () => {
    const server = await startJwksServer()
    server.answerWith((_, res) => {
      const timer = setInterval(() => res.write(' '), 10)
      res.on('close', () => clearInterval(timer))
    })
    const found = await new RemoteKeys(server.url, testClock(), 100).find('ES256', 'a')
    assert.equal(found.state, 'unavailable')
    await server.close()
  })
})
