import { generateKeyPairSync } from 'node:crypto'
import { base64url, forge, goodClaims, nowSeconds, rsa, rsaSigner } from '../identity/forge.js'
import { tokenCases } from '../identity/token-cases.js'

/** Let in as an ordinary user, or refused with 401. */
export type Fate = 'user' | 'refused'
export type ForgedCase = readonly [name: string, token: string, fate: Fate]

export const signer = rsaSigner()
const stranger = rsaSigner(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const admin = { ...goodClaims, sub: 'mallory', role: 'admin' }
const good = forge(signer, goodClaims)
const [head = '', body = '', signature = ''] = good.split('.')
const pem = (type: 'spki' | 'pkcs1') => rsa.publicKey.export({ type, format: 'pem' }).toString()

const spellings = [
  'none',
  'None',
  'NONE',
  'nOnE',
  'none ',
  ' none',
  'none\0',
  '',
  'null',
  'ｎｏｎｅ',
]

/** Tokens that say they need no signature, with none, with another's, and with one of nothing. */
const unsigned = [...spellings, ['none'], null, 0, { none: 1 }].flatMap((alg): ForgedCase[] => {
  const start = `${base64url({ alg, typ: 'JWT' })}.${base64url(admin)}`
  return [
    [`alg ${JSON.stringify(alg)} and no signature`, `${start}.`, 'refused'],
    [`alg ${JSON.stringify(alg)} and another's signature`, `${start}.${signature}`, 'refused'],
  ]
})

/** Signed with what everybody knows, as if it were the secret. */
const confused = (['HS256', 'HS384', 'HS512'] as const).flatMap((algorithm): ForgedCase[] =>
  [pem('spki'), pem('pkcs1'), pem('spki').trim(), '', 'secret', '\0'].map((key, index) => [
    `${algorithm} with public key or guess ${index}`,
    forge({ algorithm, key }, admin),
    'refused',
  ]),
)

/** Headers that name the key to trust: ignored, so that the signature alone decides. */
function pointing(url: string): ForgedCase[] {
  const jwk = stranger.publicKey.export({ format: 'jwk' })
  const headers: Record<string, object> = {
    jku: { jku: url, kid: 'a' },
    x5u: { x5u: url },
    x5c: { x5c: [stranger.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
    jwk: { jwk: { ...jwk, kid: 'a' }, kid: 'a' },
    'a path as kid': { kid: '../../../../../../dev/null' },
    'SQL as kid': { kid: "' UNION SELECT 'secret" },
    'a URL as kid': { kid: url },
    'a command as kid': { kid: '|id;$(id)`id`' },
    'an operator as kid': { kid: '$ne' },
  }
  return Object.entries(headers).flatMap(([name, header]): ForgedCase[] => [
    [`${name}, signed by a stranger`, forge(stranger, admin, header), 'refused'],
    [
      `${name}, signed with nothing`,
      forge({ algorithm: 'HS256', key: '' }, admin, header),
      'refused',
    ],
    [`${name}, well signed`, forge(signer, goodClaims, header), 'user'],
  ])
}

const claims = (name: string, changes: object, fate: Fate): ForgedCase => [
  name,
  forge(signer, { ...goodClaims, ...changes }),
  fate,
]

/** Claims that other tests have not tried. */
const claimed: readonly ForgedCase[] = [
  claims('sub as an array', { sub: ['alice'] }, 'refused'),
  claims('sub as a regular expression', { sub: { $regex: '.*' } }, 'refused'),
  claims('sub true', { sub: true }, 'refused'),
  claims('sub with NUL', { sub: 'alice\0' }, 'refused'),
  claims('sub with DEL', { sub: 'alice\x7f' }, 'refused'),
  claims('sub with a C1 control', { sub: 'alice\x9b31m' }, 'refused'),
  claims('sub with a low surrogate', { sub: 'a\udc00' }, 'refused'),
  claims('sub of 256 characters beyond the BMP', { sub: '🦊'.repeat(256) }, 'user'),
  claims('sub of 257 characters beyond the BMP', { sub: '🦊'.repeat(257) }, 'refused'),
  claims('sub with an operator in it', { sub: '$where' }, 'user'),
  claims('a role as an object', { role: { admin: true } }, 'refused'),
  claims('a role as true', { role: true }, 'refused'),
  claims('roles like an array', { roles: { 0: 'admin', length: 1 } }, 'refused'),
  claims('roles in roles', { roles: [['admin']] }, 'refused'),
  claims('a role in capitals', { role: 'ADMIN' }, 'user'),
  claims('a role with a space', { role: 'admin ' }, 'user'),
  claims('is_admin', { is_admin: true, admin: true, isAdmin: true }, 'user'),
  claims('a tier as an operator', { tier: { $ne: 'free' } }, 'refused'),
  claims('an org with a line break', { org: 'acme\r\nx' }, 'refused'),
  claims('exp below zero', { exp: -1 }, 'refused'),
  claims('exp true', { exp: true }, 'refused'),
  claims('exp in milliseconds', { exp: nowSeconds * 1000 }, 'user'),
  claims('exp in an array', { exp: [nowSeconds + 60] }, 'refused'),
]

/** Tokens that are no longer what they were. */
const damaged: readonly ForgedCase[] = [
  ['a token of 12 KB', forge(signer, { ...goodClaims, x: 'x'.repeat(8_900) }), 'refused'],
  ['a token with a full stop behind', `${good}.`, 'refused'],
  ['a token with a newline escaped', `${good}%0a`, 'refused'],
  ['a token with trailing letters', `${good}AA`, 'refused'],
  ['a token without its last letters', good.slice(0, -4), 'refused'],
  ['parts in another order', [body, head, signature].join('.'), 'refused'],
  ['five parts, as of an encrypted token', `${good}.${head}.${head}`, 'refused'],
  ['the head twice', `${head}.${good}`, 'refused'],
  ['no header', `.${body}.${signature}`, 'refused'],
  ['two dots', '..', 'refused'],
  ['JSON serialisation', base64url({ payload: body, signature }), 'refused'],
]

/** Every token that the routes are shown; `url` is where keys might be fetched. */
export function forgedCases(url: string): readonly ForgedCase[] {
  const known = tokenCases.map(([name, token, outcome]): ForgedCase => {
    return [name, token(signer), outcome === 'ok' ? 'user' : 'refused']
  })
  return [...known, ...unsigned, ...confused, ...pointing(url), ...claimed, ...damaged]
}
