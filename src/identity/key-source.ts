import { createSecretKey, type KeyObject } from 'node:crypto'
import { algorithmsOf, asymmetricAlgorithms, hmacAlgorithms, type Algorithm } from './algorithms.js'
import { concealed, invalidOption, shown } from './invalid-option.js'
import { parsePublicKey } from './public-key.js'
import { secretWeakness } from './secret-strength.js'

/** What verifies a signature: one kind of key per configuration, so that kinds can't be confused. */
export type KeySource =
  | { readonly kind: 'secret'; readonly secrets: readonly KeyObject[] }
  | { readonly kind: 'public_key'; readonly key: KeyObject }
  | { readonly kind: 'jwks'; readonly url: string }

export interface KeyOptions {
  readonly secret?: readonly string[] | undefined
  readonly publicKey?: string | KeyObject | undefined
  readonly jwksUri?: string | undefined
  readonly algorithms: readonly Algorithm[]
}

export interface ResolvedKeys {
  readonly source: KeySource
  readonly warnings: readonly string[]
}

/**
 * Reads the key of `auth` and checks that every algorithm fits it.
 * @throws UsageError `invalid_option`
 */
export function resolveKeys(options: KeyOptions, production: boolean): ResolvedKeys {
  const { secret, publicKey, jwksUri } = options
  const given = Object.entries({ secret, publicKey, jwksUri }).filter(
    ([, value]) => value !== undefined,
  )
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(' and ')
    throw invalidOption('auth', 'must have only one of secret, publicKey and jwksUri', names)
  }
  if (publicKey !== undefined) return resolvePublicKey(publicKey, options.algorithms)
  if (jwksUri !== undefined) return resolveJwksUri(jwksUri, options.algorithms)
  if (secret !== undefined) return resolveSecrets(secret, options.algorithms, production)
  throw invalidOption('auth.secret', 'must be set (or else publicKey or jwksUri)', 'undefined')
}

function resolveSecrets(
  secrets: readonly string[],
  algorithms: readonly Algorithm[],
  production: boolean,
): ResolvedKeys {
  requireFit(algorithms, hmacAlgorithms, 'auth.secret')
  const warnings: string[] = []
  for (const secret of secrets) {
    // Whoever knows a public key could sign with it as if it were an HMAC secret.
    if (secret.includes('-----BEGIN')) {
      const rule = 'must not be a PEM key: a public key belongs into auth.publicKey'
      throw invalidOption('auth.secret', rule, concealed(secret))
    }
    const weakness = secretWeakness(secret)
    if (weakness === undefined) continue
    const rule = `must be at least 32 random bytes: this one ${weakness}`
    if (production) throw invalidOption('auth.secret', rule, concealed(secret))
    warnings.push(`auth.secret ${weakness}; production refuses it`)
  }
  const keys = secrets.map((secret) => createSecretKey(secret, 'utf8'))
  return { source: { kind: 'secret', secrets: keys }, warnings }
}

function resolvePublicKey(
  value: string | KeyObject,
  algorithms: readonly Algorithm[],
): ResolvedKeys {
  const parsed = parsePublicKey(value)
  if (!parsed.ok) throw invalidOption('auth.publicKey', parsed.problem, concealed(value))
  requireFit(algorithms, algorithmsOf(parsed.key), 'auth.publicKey')
  return { source: { kind: 'public_key', key: parsed.key }, warnings: [] }
}

function resolveJwksUri(value: string, algorithms: readonly Algorithm[]): ResolvedKeys {
  requireFit(algorithms, asymmetricAlgorithms, 'auth.jwksUri')
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username + url.password !== '') {
    const rule = 'must be an https or http URL without credentials'
    throw invalidOption('auth.jwksUri', rule, concealed(value))
  }
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  const plain = url.protocol === 'http:' && !loopback
  const warning = 'auth.jwksUri is not https: whoever can alter the answer can sign tokens'
  return { source: { kind: 'jwks', url: url.href }, warnings: plain ? [warning] : [] }
}

function requireFit(
  algorithms: readonly Algorithm[],
  fitting: readonly Algorithm[],
  option: string,
): void {
  if (algorithms.every((algorithm) => fitting.includes(algorithm))) return
  const which = fitting.length === 0 ? 'none fits this kind of key' : fitting.join(', ')
  throw invalidOption('auth.algorithms', `must fit ${option} (${which})`, shown(algorithms))
}
