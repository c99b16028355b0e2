import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { parseAuthOptions, type AuthOptions } from '../../src/identity/auth-options.js'
import { createVerifier, type Verdict } from '../../src/identity/verifier.js'
import {
  bearer,
  ecSigner,
  edSigner,
  forge,
  goodClaims,
  hmacSigner,
  nowSeconds,
  pssSigner,
  rsaSigner,
  testClock,
  type Signer,
} from './forge.js'
import { jwks, startJwksServer } from './jwks-server.js'
import { tokenCases, type Outcome } from './token-cases.js'

async function verdictOf(auth: AuthOptions, rawHeaders: readonly string[]): Promise<Verdict> {
  return createVerifier(parseAuthOptions(auth, true), testClock()).verify(rawHeaders)
}

function outcomeOf(verdict: Verdict): Outcome {
  if (verdict.ok) return 'ok'
  assert.match(verdict.description, /^[A-Z][\x20-\x21\x23-\x5b\x5d-\x7e]+\.$/)
  return verdict.reason
}

async function callerOf(changes: object, auth: Partial<AuthOptions> = {}) {
  const signer = hmacSigner()
  const token = forge(signer, { ...goodClaims, ...changes })
  const verdict = await verdictOf({ ...signer.auth, ...auth }, bearer(token))
  return verdict.ok ? verdict.caller : verdict.reason
}

describe('verifier', () => {
  const signers = { hmacSigner, rsaSigner, pssSigner, ecSigner, edSigner }
  for (const make of Object.values(signers)) {
    const signer = make()
    describe(`with ${signer.algorithm}`, () => {
      for (const [name, token, outcome] of tokenCases) {
        it(`answers ${outcome} to ${name}`, async () => {
          const verdict = await verdictOf(signer.auth, bearer(token(signer)))
          assert.equal(outcomeOf(verdict), outcome)
        })
      }
    })
  }

  describe('with a JWKS', () => {
    const signer = ecSigner()
    let server: Awaited<ReturnType<typeof startJwksServer>>
    before(async () => {
      server = await startJwksServer()
      server.answerWith(jwks([{ publicKey: signer.publicKey, kid: 'a' }]))
    })
    after(() => server.close())

    for (const [name, token, outcome] of tokenCases) {
      it(`answers ${outcome} to ${name}`, async () => {
        const auth: AuthOptions = { jwksUri: server.url, algorithms: ['ES256'] }
        const verdict = await verdictOf(auth, bearer(token(signer)))
        assert.equal(outcomeOf(verdict), outcome)
      })
    }
  })

  it('trusts no key that a token brings along', async () => {
    const stranger = ecSigner()
    const jwk = stranger.publicKey.export({ format: 'jwk' })
    const brought = { jwk, jku: 'http://127.0.0.1:9/', x5u: 'http://127.0.0.1:9/', kid: '../../x' }
    const good = ecSigner()
    assert.equal(
      outcomeOf(await verdictOf(good.auth, bearer(forge(stranger, goodClaims, brought)))),
      'bad_signature',
    )
    assert.equal(
      outcomeOf(await verdictOf(good.auth, bearer(forge(good, goodClaims, brought)))),
      'ok',
    )
  })

  it('refuses a token signed by a stranger with a key of the same kind', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const both: [Signer, Signer][] = [
      [hmacSigner(), hmacSigner()],
      [rsaSigner(), rsaSigner(pair)],
      [pssSigner(), pssSigner(pair)],
      [ecSigner(), ecSigner()],
      [edSigner(), edSigner()],
    ]
    for (const [known, stranger] of both) {
      const verdict = await verdictOf(known.auth, bearer(forge(stranger, goodClaims)))
      assert.equal(outcomeOf(verdict), 'bad_signature')
    }
  })

  it('refuses the right key with a padding that is not pinned', async () => {
    const verdict = await verdictOf(rsaSigner().auth, bearer(forge(pssSigner(), goodClaims)))
    assert.equal(outcomeOf(verdict), 'bad_signature')
  })

  it('accepts every secret of a rotation', async () => {
    const [old, fresh, other] = [hmacSigner(), hmacSigner(), hmacSigner()]
    const auth: AuthOptions = { secret: [fresh.key, old.key], algorithms: ['HS256'] }
    for (const [signer, outcome] of [
      [fresh, 'ok'],
      [old, 'ok'],
      [other, 'bad_signature'],
    ] as const) {
      assert.equal(outcomeOf(await verdictOf(auth, bearer(forge(signer, goodClaims)))), outcome)
    }
  })

  it('checks issuer and audience when they are configured', async () => {
    const issuer = ['https://a', 'https://b']
    assert.equal(typeof (await callerOf({ iss: 'https://b' }, { issuer })), 'object')
    for (const iss of [undefined, 'https://c', ['https://a'], 'https://A']) {
      assert.equal(await callerOf({ iss }, { issuer }), 'bad_claims')
    }
    assert.equal(typeof (await callerOf({ aud: ['x', 'api'] }, { audience: 'api' })), 'object')
    assert.equal(typeof (await callerOf({ aud: 'api' }, { audience: ['y', 'api'] })), 'object')
    for (const aud of [undefined, 'API', [], ['x'], { api: 1 }, [['api']]]) {
      assert.equal(await callerOf({ aud }, { audience: 'api' }), 'bad_claims')
    }
  })

  it('accepts only the configured typ, in any case', async () => {
    const signer = hmacSigner()
    const auth = { ...signer.auth, typ: 'AT+jwt' }
    const outcome = async (typ?: string) =>
      outcomeOf(await verdictOf(auth, bearer(forge(signer, goodClaims, { typ }))))
    assert.equal(await outcome('at+JWT'), 'ok')
    assert.equal(await outcome('application/at+jwt'), 'ok')
    assert.equal(await outcome('JWT'), 'bad_claims')
    assert.equal(await outcome(), 'bad_claims')
  })

  it('reads the caller from the default claims', async () => {
    assert.deepEqual(await callerOf({}), {
      user_id: 'alice',
      roles: [],
      is_admin: false,
      is_service: false,
    })
    const full = { role: 'admin', roles: ['service', 'admin', 'x'], tier: 'pro', org: 'acme' }
    assert.deepEqual(await callerOf(full), {
      user_id: 'alice',
      roles: ['admin', 'service', 'x'],
      is_admin: true,
      is_service: true,
      tier: 'pro',
      org_id: 'acme',
    })
  })

  it('reads the caller from the configured claims, dots being part of a name', async () => {
    const names = { userId: 'oid', tier: 'https://x.y/plan', role: 'r', roles: 'rs', org: 'tid' }
    const token = { oid: 'bob', 'https://x.y/plan': 'pro', r: 'service', rs: ['z'], tid: 'acme' }
    assert.deepEqual(await callerOf({ ...token, role: ['ignored'] }, { claims: names }), {
      user_id: 'bob',
      roles: ['service', 'z'],
      is_admin: false,
      is_service: true,
      tier: 'pro',
      org_id: 'acme',
    })
  })

  it('takes a string or an array where one claim is configured for both role and roles', async () => {
    for (const role of ['admin', ['admin']]) {
      const caller = await callerOf({ role }, { claims: { roles: 'role' } })
      assert.deepEqual(typeof caller === 'object' && caller.roles, ['admin'])
    }
    assert.equal(
      await callerOf({ role: { admin: 1 } }, { claims: { roles: 'role' } }),
      'bad_claims',
    )
  })

  it('compares roles exactly', async () => {
    for (const role of ['Admin', 'ADMIN', ' admin', 'admin,user', 'administrator', 'аdmin']) {
      const caller = await callerOf({ role })
      assert.equal(typeof caller === 'object' && caller.is_admin, false)
    }
  })

  it('takes nothing from a prototype', async () => {
    const signer = hmacSigner()
    const polluted = `{"__proto__":{"role":"admin","sub":"eve"},"sub":"alice","exp":${nowSeconds + 9}}`
    const verdict = await verdictOf(signer.auth, bearer(forge(signer, polluted)))
    assert.deepEqual(verdict.ok && verdict.caller.roles, [])
    assert.equal(await callerOf({}, { claims: { userId: 'constructor' } }), 'bad_claims')
    assert.equal(await callerOf({}, { claims: { userId: '__proto__' } }), 'bad_claims')
  })

  it('hands out callers that cannot be altered', async () => {
    const caller = await callerOf({ roles: ['user'] })
    assert.ok(typeof caller === 'object')
    assert.throws(() => Object.assign(caller, { is_admin: true }), TypeError)
    assert.throws(() => Object.assign(caller.roles, ['admin']), TypeError)
  })
})
