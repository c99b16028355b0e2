import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { itRefuses, run } from './support.js'

describe('npm run token', function () {
  this.timeout(60_000)
  const secret = randomBytes(32).toString('base64url')

  it('prints a JWT with the claims it was asked for, and nothing else', async () => {
    const args = '--user alice --role admin --tier pro --org acme --ttl 2h'.split(' ')
    const { code, stdout, stderr } = await run('token', args, { JWT_SECRET: secret })
    assert.deepEqual([code, stderr], [0, ''])
    const claims = jwt.verify(stdout.trimEnd(), secret, { algorithms: ['HS256'] })
    assert.ok(typeof claims === 'object')
    const { iat = 0, exp = 0, ...names } = claims
    assert.deepEqual(names, { sub: 'alice', role: 'admin', tier: 'pro', org: 'acme' })
    assert.equal(exp - iat, 7200)
    assert.ok(Math.abs(Date.now() / 1000 - iat) < 60)
  })

  it('says what is missing when there is no secret', async () => {
    const { code, stdout, stderr } = await run('token', ['--user', 'alice'])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^JWT_SECRET is not set/)
  })

  itRefuses(
    'token',
    [
      [[], /--user is needed/],
      [['--user', ''], /--user must have/],
      [['--user', 'anonymous'], /--user may not be/],
      [['--user', 'a', '--ttl', 'soon'], /--ttl must be like/],
      [['--user', 'a', '--admin'], /Unknown option '--admin'/],
    ],
    { JWT_SECRET: secret },
  )
})
