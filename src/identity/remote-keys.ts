import { createLocalJWKSet, errors, type CryptoKey, type JSONWebKeySet } from 'jose'
import type { Clock } from '../clock.js'
import type { AsymmetricAlgorithm } from './algorithms.js'

/** Keys are fetched anew, in the background, once they are this old. */
const refreshAfterMs = 5 * 60_000
/** Keys this old are used no more: a key withdrawn by the issuer must not outlive this. */
const maxAgeMs = 10 * 60_000
/** Between two fetches while there are keys, however many unknown key ids are asked for. */
const cooldownMs = 30_000
/** Between two fetches while there are none, so that we recover soon after the issuer does. */
const retryAfterMs = 5_000
const defaultTimeoutMs = 3_000
const maxBodyBytes = 512 * 1024
const maxKeys = 100

export type KeyLookup =
  /** Several when the token names no key id and more than one key fits; empty: no such key. */
  | { readonly state: 'found'; readonly keys: readonly CryptoKey[] }
  | { readonly state: 'unavailable'; readonly cause: unknown }

/** The public keys of an issuer, fetched from its JWKS URL when they are first needed. */
export class RemoteKeys {
  readonly #url: string
  readonly #clock: Clock
  readonly #timeoutMs: number
  #keys: ReturnType<typeof createLocalJWKSet> | undefined
  #fetchedAt = -Infinity
  #attemptedAt = -Infinity
  #failure: unknown
  #pending: Promise<void> | undefined

  constructor(url: string, clock: Clock, timeoutMs = defaultTimeoutMs) {
    this.#url = url
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** The keys a token may be verified with. Never rejects; waits for a fetch at most `timeoutMs`. */
  async find(alg: AsymmetricAlgorithm, kid: string | undefined): Promise<KeyLookup> {
    const age = this.#age()
    if (age >= maxAgeMs) await this.#refresh(retryAfterMs)
    else if (age >= refreshAfterMs) void this.#refresh(cooldownMs)
    const keys = await this.#select(alg, kid)
    if (keys.length > 0) return { state: 'found', keys }
    await this.#refresh(cooldownMs)
    const found = await this.#select(alg, kid)
    // A key we don't know may be one we failed to fetch.
    return found.length === 0 && this.#failure !== undefined
      ? { state: 'unavailable', cause: this.#failure }
      : { state: 'found', keys: found }
  }

  #age(): number {
    return this.#clock.elapsed() - this.#fetchedAt
  }

  async #select(alg: AsymmetricAlgorithm, kid: string | undefined): Promise<CryptoKey[]> {
    if (this.#keys === undefined || this.#age() >= maxAgeMs) return []
    try {
      return [await this.#keys({ alg, ...(kid === undefined ? {} : { kid }) })]
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return []
      const candidates: CryptoKey[] = []
      for await (const key of error) candidates.push(key)
      return candidates
    }
  }

  /** Fetches unless the last attempt is younger than `minIntervalMs`; callers share a fetch. */
  #refresh(minIntervalMs: number): Promise<void> {
    if (this.#pending !== undefined) return this.#pending
    if (this.#clock.elapsed() - this.#attemptedAt < minIntervalMs) return Promise.resolve()
    this.#attemptedAt = this.#clock.elapsed()
    this.#pending = this.#fetch().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  async #fetch(): Promise<void> {
    try {
      this.#keys = createLocalJWKSet(await fetchKeySet(this.#url, this.#timeoutMs))
      this.#fetchedAt = this.#clock.elapsed()
      this.#failure = undefined
    } catch (error) {
      this.#failure = error
    }
  }
}

async function fetchKeySet(url: string, timeoutMs: number): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`The JWKS URL answered with status ${response.status}`)
  }
  const set: unknown = JSON.parse(await readText(response))
  if (!isKeySet(set)) throw new Error(`The JWKS URL answered with no set of 1 to ${maxKeys} keys`)
  return set
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  const body: AsyncIterable<Uint8Array> | null = response.body
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBodyBytes) throw new Error(`The JWKS is longer than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== 'object' || value === null || !('keys' in value)) return false
  const { keys } = value
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > maxKeys) return false
  return keys.every((key: unknown) => typeof key === 'object' && key !== null)
}
