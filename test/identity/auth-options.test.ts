import assert from 'node:assert/strict'
import { createPrivateKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { UsageError } from '../../src/errors.js'
import { parseAuthOptions } from '../../src/identity/auth-options.js'
import { secretWeakness } from '../../src/identity/secret-strength.js'
import { rsa } from './forge.js'

const secret = randomBytes(32).toString('base64')
const hs = { secret, algorithms: ['HS256'] }
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
const shortRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
const ed448 = generateKeyPairSync('ed448').publicKey
const jwksUri = 'https://issuer.example/jwks'

const refused: readonly (readonly [name: string, options: unknown, option: string])[] = [
  ['nothing', undefined, 'auth'],
  ['a bare secret', secret, 'auth'],
  ['an unknown member', { ...hs, secrets: 'x' }, 'auth.secrets'],
  ['no key', { algorithms: ['HS256'] }, 'auth.secret'],
  ['a secret that is undefined', { secret: undefined, algorithms: ['HS256'] }, 'auth.secret'],
  ['an empty secret', { ...hs, secret: '' }, 'auth.secret'],
  ['an empty rotation', { ...hs, secret: [] }, 'auth.secret'],
  ['an empty secret in a rotation', { ...hs, secret: [secret, ''] }, 'auth.secret'],
  ['a secret that is no string', { ...hs, secret: 7 }, 'auth.secret'],
  ['a public key as secret', { ...hs, secret: pem }, 'auth.secret'],
  ['two keys', { ...hs, publicKey: pem }, 'auth'],
  ['no algorithms', { secret }, 'auth.algorithms'],
  ['empty algorithms', { secret, algorithms: [] }, 'auth.algorithms'],
  ['algorithm none', { secret, algorithms: ['none'] }, 'auth.algorithms'],
  ['algorithms of both families', { secret, algorithms: ['HS256', 'RS256'] }, 'auth.algorithms'],
  ['RS256 with a secret', { secret, algorithms: ['RS256'] }, 'auth.algorithms'],
  ['HS256 with a public key', { publicKey: pem, algorithms: ['HS256'] }, 'auth.algorithms'],
  ['both with a public key', { publicKey: pem, algorithms: ['RS256', 'HS256'] }, 'auth.algorithms'],
  ['HS256 with a JWKS', { jwksUri, algorithms: ['HS256'] }, 'auth.algorithms'],
  ['ES256 with an RSA key', { publicKey: pem, algorithms: ['ES256'] }, 'auth.algorithms'],
  ['ES384 with a P-256 key', { publicKey: ec, algorithms: ['ES384'] }, 'auth.algorithms'],
  ['a private key', { publicKey: privatePem, algorithms: ['RS256'] }, 'auth.publicKey'],
  [
    'a private KeyObject',
    { publicKey: createPrivateKey(privatePem), algorithms: ['RS256'] },
    'auth.publicKey',
  ],
  [
    'a secret KeyObject',
    { publicKey: createSecretKey(Buffer.from(secret)), algorithms: ['RS256'] },
    'auth.publicKey',
  ],
  ['a short RSA key', { publicKey: shortRsa, algorithms: ['RS256'] }, 'auth.publicKey'],
  [
    'a key of a kind that no algorithm uses',
    { publicKey: ed448, algorithms: ['EdDSA'] },
    'auth.algorithms',
  ],
  ['a PEM that is none', { publicKey: 'x', algorithms: ['RS256'] }, 'auth.publicKey'],
  ['a relative JWKS URL', { jwksUri: '/jwks', algorithms: ['RS256'] }, 'auth.jwksUri'],
  ['a JWKS file', { jwksUri: 'file:///etc/jwks', algorithms: ['RS256'] }, 'auth.jwksUri'],
  ['credentials in a URL', { jwksUri: 'https://a:b@x/', algorithms: ['RS256'] }, 'auth.jwksUri'],
  ['an empty issuer', { ...hs, issuer: '' }, 'auth.issuer'],
  ['an empty list of issuers', { ...hs, issuer: [] }, 'auth.issuer'],
  ['an audience that is a pattern', { ...hs, audience: /api/ }, 'auth.audience'],
  ['an empty typ', { ...hs, typ: '' }, 'auth.typ'],
  ['a negative tolerance', { ...hs, clockToleranceSeconds: -1 }, 'auth.clockToleranceSeconds'],
  ['a tolerance of an hour', { ...hs, clockToleranceSeconds: 3600 }, 'auth.clockToleranceSeconds'],
  ['a tolerance that is NaN', { ...hs, clockToleranceSeconds: NaN }, 'auth.clockToleranceSeconds'],
  ['an unknown claim', { ...hs, claims: { user: 'sub' } }, 'auth.claims.user'],
  ['an empty claim name', { ...hs, claims: { tier: '' } }, 'auth.claims.tier'],
]

const weak: readonly string[] = [
  'x',
  'secret',
  'changeme',
  'a'.repeat(64),
  'ab'.repeat(32),
  'secret'.repeat(6),
  'a1b2c3d4e5f6g7h8'.repeat(3),
  'abcdefghijklmnopqrstuvwxyz0123456789',
  '12345678901234567890123456789012',
  'a-string-secret-at-least-256-bits-long',
  'your-super-secret-jwt-key-change-in-production',
  'this-is-my-super-secret-key-please-change-me',
  'CHANGE_ME_CHANGE_ME_CHANGE_ME_CHANGE_ME',
]

function failure(options: unknown, production = true): UsageError {
  try {
    parseAuthOptions(options, production)
  } catch (error) {
    assert.ok(error instanceof UsageError)
    return error
  }
  assert.fail('nothing was thrown')
}

describe('parseAuthOptions', () => {
  for (const [name, options, option] of refused) {
    it(`refuses ${name}, naming ${option}, in production and elsewhere`, () => {
      for (const production of [true, false]) {
        const error = failure(options, production)
        assert.equal(error.code, 'invalid_option')
        assert.equal(error.details['option'], option)
        assert.ok(error.message.startsWith(`${option} must `), error.message)
      }
    })
  }

  for (const weakSecret of weak) {
    it(`refuses the secret ${weakSecret.slice(0, 24)}… in production and warns elsewhere`, () => {
      const options = { secret: [secret, weakSecret], algorithms: ['HS256'] }
      assert.equal(failure(options).details['option'], 'auth.secret')
      assert.equal(parseAuthOptions(options, false).warnings.length, 1)
    })
  }

  it('takes random secrets of any spelling', () => {
    const property = fc.property(fc.uint8Array({ minLength: 32, maxLength: 48 }), (bytes) => {
      fc.pre(new Set(bytes).size >= 24)
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        assert.equal(secretWeakness(Buffer.from(bytes).toString(encoding)), undefined)
      }
    })
    fc.assert(property, { numRuns: 200 })
    assert.equal(secretWeakness('correct horse battery staple, olive kayak 93'), undefined)
  })

  it('never shows a secret or a key', () => {
    const hidden = 'hunter2-hunter2'
    const attempts: unknown[] = [
      hidden,
      { secret: hidden, algorithms: ['HS256'] },
      { secret: [hidden], algorithms: ['none'] },
      { secret: { hidden }, algorithms: ['HS256'] },
      { secrets: hidden, algorithms: ['HS256'] },
      { publicKey: hidden, algorithms: ['RS256'] },
      { jwksUri: `https://x:${hidden}@y/`, algorithms: ['RS256'] },
    ]
    for (const options of attempts) {
      assert.doesNotMatch(inspect(failure(options), { depth: 9 }), /hunter2/)
    }
    const config = parseAuthOptions({ secret: hidden, algorithms: ['HS256'] }, false)
    assert.doesNotMatch(inspect(config, { depth: 9, showHidden: true }), /hunter2/)
    assert.match(failure({ secret: hidden, algorithms: ['HS256'] }).message, /15 bytes/)
  })

  it('fills in the documented defaults and freezes the result', () => {
    const config = parseAuthOptions(hs, true)
    assert.equal(config.clockToleranceSeconds, 30)
    const { claims, issuers, audiences, typ, warnings } = config
    const names = { userId: 'sub', tier: 'tier', role: 'role', roles: 'roles', org: 'org' }
    assert.deepEqual({ ...claims }, names)
    assert.deepEqual([issuers, audiences, typ, warnings], [[], [], undefined, []])
    for (const part of [config, config.keys, config.algorithms, claims, issuers]) {
      assert.ok(Object.isFrozen(part))
    }
  })

  it('takes members that are undefined as not given', () => {
    const absent = { publicKey: undefined, issuer: undefined, typ: undefined, claims: undefined }
    assert.deepEqual(parseAuthOptions({ ...hs, ...absent }, true).issuers, [])
  })

  it('takes a public key as SPKI, PKCS#1, with escaped line breaks, or as KeyObject', () => {
    const pkcs1 = rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    for (const publicKey of [pem, pkcs1, pem.replaceAll('\n', '\\n'), rsa.publicKey]) {
      const { keys } = parseAuthOptions({ publicKey, algorithms: ['RS256', 'PS512'] }, true)
      assert.equal(keys.kind, 'public_key')
    }
  })

  it('warns of a JWKS that is fetched in the clear, except on this host', () => {
    const warnings = (uri: string) =>
      parseAuthOptions({ jwksUri: uri, algorithms: ['RS256'] }, true).warnings.length
    assert.equal(warnings(jwksUri), 0)
    assert.equal(warnings('http://issuer.example/jwks'), 1)
    for (const host of ['localhost', '127.0.0.1', '[::1]']) {
      assert.equal(warnings(`http://${host}:8080/jwks`), 0)
    }
  })

  it('throws nothing but UsageError', () => {
    const member = fc.constantFrom(
      ...Object.keys({ ...hs, publicKey: 1, jwksUri: 1, issuer: 1, typ: 1, claims: 1 }),
    )
    const property = fc.property(fc.dictionary(member, fc.anything()), (options) => {
      try {
        parseAuthOptions({ ...hs, ...options }, true)
      } catch (error) {
        assert.ok(error instanceof UsageError, String(error))
      }
    })
    fc.assert(property, { numRuns: 300 })
  })
})
