import type { RejectReason } from '../../src/identity/verifier.js'
import { base64url, forge, goodClaims, hmacSigner, nowSeconds, rsa, type Signer } from './forge.js'

export type Outcome = 'ok' | RejectReason
export type Case = readonly [name: string, token: (signer: Signer) => string, outcome: Outcome]

const claims = (name: string, changes: object, outcome: Outcome): Case => [
  name,
  (signer) => forge(signer, { ...goodClaims, ...changes }),
  outcome,
]
const header = (name: string, changes: object, outcome: Outcome): Case => [
  name,
  (signer) => forge(signer, goodClaims, changes),
  outcome,
]
const payload = (name: string, raw: unknown, outcome: Outcome): Case => [
  name,
  (signer) => forge(signer, raw),
  outcome,
]
const altered = (name: string, alter: (token: string) => string, outcome: Outcome): Case => [
  name,
  (signer) => alter(forge(signer, goodClaims)),
  outcome,
]
const withPart = (token: string, index: number, part: string) =>
  token.split('.').with(index, part).join('.')

/** What a token is like and what every verifier must answer to it. */
export const tokenCases: readonly Case[] = [
  claims('a good token', {}, 'ok'),
  claims('no exp', { exp: undefined }, 'bad_claims'),
  claims('exp as a string', { exp: String(nowSeconds + 60) }, 'bad_claims'),
  claims('exp with a fraction', { exp: nowSeconds + 60.5 }, 'bad_claims'),
  claims('exp null', { exp: null }, 'bad_claims'),
  claims('exp beyond all integers', { exp: 1e300 }, 'bad_claims'),
  claims('expired within the tolerance', { exp: nowSeconds - 29 }, 'ok'),
  claims('expired by the tolerance', { exp: nowSeconds - 30 }, 'expired'),
  claims('iat in the future within the tolerance', { iat: nowSeconds + 30 }, 'ok'),
  claims('iat in the future', { iat: nowSeconds + 31 }, 'not_active'),
  claims('iat as a string', { iat: 'today' }, 'bad_claims'),
  claims('no iat', { iat: undefined }, 'ok'),
  claims('nbf in the future', { nbf: nowSeconds + 31 }, 'not_active'),
  claims('nbf null', { nbf: null }, 'bad_claims'),
  claims('nbf within the tolerance', { nbf: nowSeconds + 30 }, 'ok'),
  claims('no sub', { sub: undefined }, 'bad_claims'),
  claims('sub as an operator', { sub: { $ne: null } }, 'bad_claims'),
  claims('sub as a number', { sub: 7 }, 'bad_claims'),
  claims('empty sub', { sub: '' }, 'bad_claims'),
  claims('sub of 257 characters', { sub: 'a'.repeat(257) }, 'bad_claims'),
  claims('sub with a line break', { sub: 'alice\nadmin' }, 'bad_claims'),
  claims('sub with a lone surrogate', { sub: '\ud800' }, 'bad_claims'),
  claims('sub naming the shared bucket', { sub: 'anonymous' }, 'bad_claims'),
  claims('tier as an array', { tier: ['pro'] }, 'bad_claims'),
  claims('org as an object', { org: {} }, 'bad_claims'),
  claims('role as an array', { role: ['admin'] }, 'bad_claims'),
  claims('roles as a string', { roles: 'admin' }, 'bad_claims'),
  claims('roles with a number', { roles: ['admin', 1] }, 'bad_claims'),
  payload('a string payload', '"alice"', 'malformed'),
  payload('an array payload', [goodClaims], 'malformed'),
  payload('a null payload', 'null', 'malformed'),
  payload('a payload that is not JSON', 'alice', 'malformed'),
  payload('a payload that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 'malformed'),
  header('no typ', { typ: undefined }, 'ok'),
  header('typ at+jwt', { typ: 'at+jwt' }, 'ok'),
  header('typ application/at+JWT', { typ: 'application/at+JWT' }, 'ok'),
  header('typ of a DPoP proof', { typ: 'dpop+jwt' }, 'bad_claims'),
  header('typ of a refresh token', { typ: 'refresh' }, 'bad_claims'),
  header('typ that is no string', { typ: ['JWT'] }, 'bad_claims'),
  header('critical extensions', { crit: ['b64'], b64: false }, 'malformed'),
  header('a kid that is no string', { kid: { path: '/dev/null' } }, 'malformed'),
  header('an algorithm that is not pinned', { alg: 'HS384' }, 'bad_signature'),
  header('an inherited name as algorithm', { alg: 'constructor' }, 'bad_signature'),
  header('no algorithm', { alg: undefined }, 'malformed'),
  altered('algorithm none', (t) => withPart(t, 0, base64url({ alg: 'none' })), 'bad_signature'),
  altered('no signature', (t) => withPart(t, 2, ''), 'malformed'),
  altered('a signature of another token', (t) => withPart(t, 2, 'AAAA'), 'bad_signature'),
  altered(
    'another payload',
    (t) => withPart(t, 1, base64url({ ...goodClaims, role: 'admin' })),
    'bad_signature',
  ),
  altered('standard base64', (t) => `${t}=`, 'malformed'),
  altered('four parts', (t) => `${t}.e30`, 'malformed'),
  altered(
    'a nested array as header',
    (t) => withPart(t, 0, base64url('['.repeat(3000))),
    'malformed',
  ),
  ['another key', () => forge(hmacSigner(), goodClaims, { alg: 'HS256' }), 'bad_signature'],
  [
    'the public key as HMAC secret',
    () => {
      const key = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString()
      return forge({ algorithm: 'HS256', key }, goodClaims)
    },
    'bad_signature',
  ],
  [
    'more than 8 KiB',
    (signer) => forge(signer, { ...goodClaims, x: 'x'.repeat(8192) }),
    'malformed',
  ],
]
