import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mintToken } from '../../scripts/mint-token.js'
import { systemClock } from '../../src/clock.js'
import { parseAuthOptions } from '../../src/identity/auth-options.js'
import { createVerifier } from '../../src/identity/verifier.js'
import { itRefuses } from '../scripts/support.js'
import { nowMs, testClock } from './forge.js'

const secret = randomBytes(32).toString('hex')
const config = parseAuthOptions({ secret, algorithms: ['HS256'] }, true)

function run(args: readonly string[], jwtSecret?: string) {
  // What tsx makes of a file is not what the other tests' loader does: coverage would add up wrongly.
  const env = { ...process.env, NODE_V8_COVERAGE: '', JWT_SECRET: jwtSecret }
  const script = ['--import', 'tsx', 'scripts/token.ts', ...args]
  return spawnSync(process.execPath, script, { env, encoding: 'utf8' })
}

describe('mintToken', () => {
  it('makes a token that the verifier takes until it expires', async () => {
    const clock = testClock()
    const verifier = createVerifier(config, clock)
    const facts = { user: 'alice', role: 'admin', tier: 'pro', org: 'acme' }
    const token = mintToken({ secret, ...facts, ttlSeconds: 60, now: nowMs + 999 })
    const verify = () => verifier.verify(['Authorization', `Bearer ${token}`])
    assert.deepEqual(await verify(), {
      ok: true,
      caller: {
        user_id: 'alice',
        roles: ['admin'],
        is_admin: true,
        is_service: false,
        tier: 'pro',
        org_id: 'acme',
      },
    })
    clock.advance(90_000)
    assert.equal((await verify()).ok, false)
  })
})

describe('npm run token', () => {
  it('prints nothing but a token', async () => {
    const { stdout, stderr, status } = run(
      ['--user', 'alice', '--tier', 'pro', '--ttl', '15m'],
      secret,
    )
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const rawHeaders = ['Authorization', `Bearer ${stdout.trim()}`]
    const verdict = await createVerifier(config, systemClock).verify(rawHeaders)
    assert.equal(verdict.ok && verdict.caller.tier, 'pro')
  })

  it('says what to do when JWT_SECRET is not set', () => {
    const { stdout, stderr, status } = run(['--user', 'alice'])
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /JWT_SECRET/)
    assert.match(stderr, /npm start/)
  })

  itRefuses(
    'token',
    [[], ['--user', 'anonymous'], ['--user', 'a', '--ttl', '1y'], ['--usr', 'a']].map((args) => [
      args,
      /--us|--ttl/,
    ]),
    { JWT_SECRET: secret },
  )
})
