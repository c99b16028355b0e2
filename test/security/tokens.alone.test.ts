import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import type { AuthOptions } from '../../src/identity/auth-options.js'
import { isGuarded, operations, type Operation } from '../contract/spec.js'
import { pathOf } from '../contract/world.js'
import { startApp } from '../helpers/app.js'
import { bearer, forge, goodClaims, nowMs } from '../identity/forge.js'
import { startJwksServer } from '../identity/jwks-server.js'
import { forgedCases, signer, type Fate } from './forged.js'
import { rawClient, shout, type RawAnswer } from './raw.js'

const guarded = operations.filter(isGuarded)
const clock = { now: () => nowMs, elapsed: () => systemClock.elapsed() }
const authorized = (token: string) => bearer(token).slice(2, 4)
const good = forge(signer, goodClaims)
const json = ['Content-Type', 'application/json']

/** Ways to send a good token, and whether it counts. */
const headerCases: readonly (readonly [string, readonly string[], Fate])[] = [
  ['no header', [], 'refused'],
  ['two equal headers', [...authorized(good), ...authorized(good)], 'refused'],
  ['a bad header first', [...authorized('x'), ...authorized(good)], 'refused'],
  ['a bad header last', [...authorized(good), 'authorization', 'Bearer x'], 'refused'],
  ['an empty header beside', [...authorized(good), 'AUTHORIZATION', ''], 'refused'],
  ['two tokens with a comma', ['Authorization', `Bearer ${good}, Bearer ${good}`], 'refused'],
  ['two tokens with a space', ['Authorization', `Bearer ${good} ${good}`], 'refused'],
  ['a scheme in small letters', ['Authorization', `bearer ${good}`], 'user'],
  ['a scheme in capitals', ['authorization', `BEARER ${good}`], 'user'],
  ['two spaces', ['Authorization', `Bearer  ${good}`], 'refused'],
  ['a tab', ['Authorization', `Bearer\t${good}`], 'refused'],
  ['a colon', ['Authorization', `Bearer: ${good}`], 'refused'],
  ['no scheme', ['Authorization', good], 'refused'],
  ['another scheme', ['Authorization', `Token ${good}`], 'refused'],
  ['quotes', ['Authorization', `Bearer "${good}"`], 'refused'],
  ['a letter of Latin 1', ['Authorization', `Bearer ${good}\xe9`], 'refused'],
  ['another header', ['X-Authorization', `Bearer ${good}`], 'refused'],
  ['the header of proxies', ['Proxy-Authorization', `Bearer ${good}`], 'refused'],
  ['a cookie', ['Cookie', `token=${good}; authorization=Bearer ${good}`], 'refused'],
]

/** Claims of an app that names issuer, audience and type, and whether they are its own. */
const strictCases: readonly (readonly [string, object, object, Fate])[] = [
  ['all as it must be', {}, {}, 'user'],
  ['no issuer', { iss: undefined }, {}, 'refused'],
  ['the issuer with a slash', { iss: 'https://issuer.example/' }, {}, 'refused'],
  ['the issuer in an array', { iss: ['https://issuer.example'] }, {}, 'refused'],
  ['an issuer that is an operator', { iss: { $ne: '' } }, {}, 'refused'],
  ['no audience', { aud: undefined }, {}, 'refused'],
  ['another audience', { aud: 'API' }, {}, 'refused'],
  ['the audience among others', { aud: ['x', 'api'] }, {}, 'user'],
  ['no audience in an array', { aud: [] }, {}, 'refused'],
  ['the audience in an array in an array', { aud: [['api']] }, {}, 'refused'],
  ['an audience that is an object', { aud: { api: true } }, {}, 'refused'],
  ['no type', {}, { typ: undefined }, 'refused'],
  ['the usual type', {}, { typ: 'JWT' }, 'refused'],
  ['the type in capitals', {}, { typ: 'AT+JWT' }, 'user'],
  ['the type in an array', {}, { typ: ['at+jwt'] }, 'refused'],
]

/** One app, and what its routes answer over kept connections. */
async function startGuarded(auth: Partial<AuthOptions> = {}) {
  const key: AuthOptions = { publicKey: signer.publicKey, algorithms: ['RS256'] }
  const app = await startApp(() => undefined, { auth: { ...key, ...auth }, clock })
  const client = rawClient(app.url)
  return {
    app,
    ask: (operation: Operation, headers: readonly string[]) =>
      client.ask(operation.method, pathOf(operation), [...json, ...headers]),
    client,
    close: async () => {
      client.close()
      await app.close()
    },
  }
}

/** Holds that a request was refused, or was let in as a user, who may ask of itself only. */
function fated(answer: RawAnswer, operation: Operation, fate: Fate, name: string): void {
  const where = `${operation.method} ${operation.path} with ${name}: ${answer.status} ${answer.body}`
  if (fate === 'user') {
    const isOwn = operation.tags[0] === 'caller'
    assert.equal(answer.status, isOwn ? 200 : 403, where)
    return
  }
  assert.equal(answer.status, 401, where)
  assert.match(String(answer.headers['www-authenticate']), /^Bearer realm="usage"/, where)
  const { code, detail } = JSON.parse(answer.body) as { code: string; detail: string }
  assert.equal(code, 'unauthorized', where)
  assert.match(detail, /^[A-Z][\w ,-]+\.?$/, where)
}

describe('every route of the HTTP API, whatever token it is shown', () => {
  let issuer: Awaited<ReturnType<typeof startJwksServer>>
  let guard: Awaited<ReturnType<typeof startGuarded>>
  let forged: ReturnType<typeof forgedCases>
  before(async () => {
    issuer = await startJwksServer()
    forged = forgedCases(issuer.url)
    guard = await startGuarded()
  })
  after(async () => {
    await guard.close()
    await issuer.close()
  })

  for (const operation of guarded) {
    it(`lets in only whom the token names: ${operation.method} ${operation.path}`, async () => {
      for (const [name, token, fate] of forged) {
        fated(await guard.ask(operation, authorized(token)), operation, fate, name)
      }
      for (const [name, headers, fate] of headerCases) {
        fated(await guard.ask(operation, headers), operation, fate, name)
      }
      assert.equal(issuer.requests(), 0)
    })
  }

  it('takes no token from the query or the body', async () => {
    for (const operation of guarded) {
      for (const name of ['access_token', 'token', 'authorization', 'jwt']) {
        const path = `${pathOf(operation)}?${name}=${good}`
        const body = JSON.stringify({ [name]: good })
        const answer = await guard.client.ask(operation.method, path, json, body)
        fated(answer, operation, 'refused', name)
      }
    }
  })

  it('asks HEAD for the same token as GET', async () => {
    for (const { path, parameters, ...rest } of guarded.filter((one) => one.method === 'GET')) {
      const operation = { ...rest, path, parameters }
      const { status } = await guard.client.ask('HEAD', pathOf(operation), authorized('x.y.z'))
      assert.equal(status, 401, path)
    }
  })

  it('does not read a token of 1 MB', async () => {
    const big = `${good}${'A'.repeat(1024 * 1024)}`
    for (const operation of guarded) {
      const start = `${operation.method} /ai/usage${pathOf(operation)} HTTP/1.1\r\nHost: x\r\n`
      const heard = await shout(guard.app.url, `${start}Authorization: Bearer ${big}\r\n\r\n`)
      assert.match(heard, /^(HTTP\/1\.1 431 .*)?$/m, operation.path)
      assert.doesNotMatch(heard, /HTTP\/1\.1 [^4]/, operation.path)
    }
  })

  it('answers users the same 403 whether or not there is what they ask for', async () => {
    const root = authorized(forge(signer, { ...goodClaims, sub: 'root', role: 'admin' }))
    const price = { model: 'known', input_usd_per_million: 1, output_usd_per_million: 1 }
    const ask = (method: string, path: string, headers: readonly string[], body?: object) =>
      guard.client.ask(method, path, [...json, ...headers], body && JSON.stringify(body))
    const made = JSON.parse((await ask('POST', '/prices', root, price)).body) as {
      price_id: string
    }
    assert.equal((await ask('PATCH', '/users/known', root, { tier: 'pro' })).status, 200)
    const budget = { scope: 'user', user_id: 'known', limit_usd: 1 }
    assert.equal((await ask('POST', '/budgets', root, budget)).status, 201)
    const known: Record<string, string> = {
      ...{ user_id: 'known', tier: 'pro', price_id: made.price_id },
      budget_id: encodeURIComponent('user:known@month'),
    }
    const named = guarded.filter(({ path, tags }) => path.includes('{') && tags[0] === 'admin')
    assert.ok(named.length >= 6)
    for (const { method, path } of named) {
      const bodies = new Set<string>()
      for (const fill of [(name: string) => known[name] ?? '', () => 'unknown', () => '%24ne']) {
        const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => fill(name))
        const { status, body } = await ask(method, filled, authorized(good), { tier: 'pro' })
        assert.equal(status, 403, filled)
        bodies.add(body)
      }
      assert.equal(bodies.size, 1, path)
    }
  })
})

describe('every route of the HTTP API, with an issuer, an audience and a type', () => {
  it('lets in only tokens that are meant for it', async () => {
    const iss = 'https://issuer.example'
    const guard = await startGuarded({ issuer: iss, audience: 'api', typ: 'at+jwt' })
    for (const operation of guarded) {
      for (const [name, changes, header, fate] of strictCases) {
        const payload = { ...goodClaims, iss, aud: 'api', ...changes }
        const token = forge(signer, payload, { typ: 'at+jwt', ...header })
        fated(await guard.ask(operation, authorized(token)), operation, fate, name)
      }
    }
    await guard.close()
  })
})
