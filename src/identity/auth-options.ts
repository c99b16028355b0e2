import { KeyObject } from 'node:crypto'
import * as z from 'zod'
import { asymmetricAlgorithms, hmacAlgorithms, type Algorithm } from './algorithms.js'
import { concealed, invalidOption, shown } from './invalid-option.js'
import { resolveKeys, type KeySource } from './key-source.js'

export type { Algorithm } from './algorithms.js'

/**
 * How a caller's Bearer token is verified. Exactly one of `secret`, `publicKey` and `jwksUri`.
 * Whatever the key, a token must have an integer `exp` and a user id; `iat` and `nbf`, if present,
 * must be integers that are not in the future.
 */
export interface AuthOptions {
  /**
   * HMAC secret of at least 32 bytes, for HS*. Several for a rotation: each of them verifies. A weak
   * one is refused in production and a warning elsewhere.
   */
  secret?: string | readonly string[] | undefined
  /** Public key as PEM (SPKI, PKCS#1 or a certificate) or KeyObject; RSA of at least 2048 bits. */
  publicKey?: string | KeyObject | undefined
  /** URL of the issuer's JSON Web Key Set. Rotated keys are found within 30 s. */
  jwksUri?: string | undefined
  /** The only algorithms a token may be signed with; all must fit the key. */
  algorithms: readonly Algorithm[]
  /** `iss` must be this, or one of these. Default: not checked. */
  issuer?: string | readonly string[] | undefined
  /** `aud` must be or contain this, or one of these. Default: not checked. */
  audience?: string | readonly string[] | undefined
  /**
   * The header's `typ` must be this (case and the prefix `application/` are ignored). Default: it may
   * be absent, `JWT` or `at+jwt`; tokens of other types (refresh, DPoP, logout) are refused.
   */
  typ?: string | undefined
  /** How far the issuer's clock may be off, in seconds, 0 to 300. Default: 30. */
  clockToleranceSeconds?: number | undefined
  /** Names of the claims, each a member of the payload itself (a dot in a name is part of it). */
  claims?:
    | {
        /** Default: `sub`. A user id: non-empty, at most 256 characters, no control characters. */
        userId?: string | undefined
        /** Default: `tier`, a string. */
        tier?: string | undefined
        /** Default: `role`, a string. Added to `roles`. */
        role?: string | undefined
        /** Default: `roles`, an array of strings. */
        roles?: string | undefined
        /** Default: `org`, a string. */
        org?: string | undefined
      }
    | undefined
}

/** The names of the claims that are read. */
export interface ClaimNames {
  readonly userId: string
  readonly tier: string
  readonly role: string
  readonly roles: string
  readonly org: string
}

/** `AuthOptions`, checked and with defaults. */
export interface AuthConfig {
  readonly keys: KeySource
  readonly algorithms: readonly Algorithm[]
  /** Empty: every issuer. */
  readonly issuers: readonly string[]
  /** Empty: every audience. */
  readonly audiences: readonly string[]
  readonly typ: string | undefined
  readonly clockToleranceSeconds: number
  readonly claims: ClaimNames
  /** What the operator should know, for the log. Names no secret. */
  readonly warnings: readonly string[]
}

const text = z.string().min(1)
const texts = z.union([text.transform((one) => [one]), z.array(text).min(1)])
const algorithms = [...hmacAlgorithms, ...asymmetricAlgorithms] as const
const schema = z.strictObject({
  secret: texts.optional(),
  publicKey: z.union([text, z.custom<KeyObject>((value) => value instanceof KeyObject)]).optional(),
  jwksUri: text.optional(),
  algorithms: z.array(z.enum(algorithms)).min(1),
  issuer: texts.default([]),
  audience: texts.default([]),
  typ: text.optional(),
  clockToleranceSeconds: z.number().min(0).max(300).default(30),
  claims: z
    .strictObject({
      userId: text.default('sub'),
      tier: text.default('tier'),
      role: text.default('role'),
      roles: text.default('roles'),
      org: text.default('org'),
    })
    .prefault({}),
})

const textsRule = 'must be a non-empty string, or a non-empty array of them'
const rules: Readonly<Record<string, string>> = {
  secret: textsRule,
  publicKey: 'must be a public key in PEM, or a KeyObject',
  jwksUri: 'must be a URL',
  algorithms: `must be a non-empty array of ${algorithms.join(', ')}`,
  issuer: textsRule,
  audience: textsRule,
  typ: 'must be a non-empty string',
  clockToleranceSeconds: 'must be a number from 0 to 300',
  claims: 'must be an object of claim names, each a non-empty string',
}
const secretive = ['secret', 'publicKey', 'jwksUri']

/**
 * Checks `auth` and reads its key.
 * @param production refuses weak secrets, which are `warnings` otherwise
 * @throws UsageError `invalid_option`, with `details` of `option` (`auth.secret`), `rule` and `value`
 * (of a secret only its length)
 */
export function parseAuthOptions(options: unknown, production: boolean): AuthConfig {
  const result = schema.safeParse(options)
  if (!result.success) throw describeIssue(result.error.issues[0], options)
  const { issuer, audience, typ, clockToleranceSeconds, claims } = result.data
  const { source, warnings } = resolveKeys(result.data, production)
  return Object.freeze({
    keys: Object.freeze(source),
    algorithms: Object.freeze([...new Set(result.data.algorithms)]),
    issuers: Object.freeze(issuer),
    audiences: Object.freeze(audience),
    typ,
    clockToleranceSeconds,
    claims: Object.freeze(claims),
    warnings: Object.freeze(warnings),
  })
}

function describeIssue(issue: z.core.$ZodIssue | undefined, options: unknown): Error {
  const [name, member] = (issue?.path ?? []).map(String)
  const option = ['auth', name].filter((part) => part !== undefined).join('.')
  if (issue?.code === 'unrecognized_keys') {
    // The value stays unsaid: it may be a secret under a misspelt name.
    return invalidOption(`${option}.${issue.keys.join(', ')}`, 'must not be given', 'unknown here')
  }
  if (name === undefined) return invalidOption('auth', 'must be an object', concealed(options))
  const value = valueOf(options, name)
  const text = secretive.includes(name) ? concealed(value) : shown(value)
  const full = name === 'claims' && member !== undefined ? `${option}.${member}` : option
  return invalidOption(full, rules[name] ?? 'is not valid', text)
}

function valueOf(options: unknown, name: string): unknown {
  return typeof options === 'object' && options !== null ? Reflect.get(options, name) : undefined
}
