import assert from 'node:assert/strict'
import { isGuarded, operations } from '../contract/spec.js'
import { as, startWorld } from '../contract/world.js'
import { bearer, type TestApp } from '../helpers/app.js'
import { rawClient } from './raw.js'

const cursorOf = (position: unknown) => Buffer.from(JSON.stringify(position)).toString('base64url')
const ids = ['bob', '%62ob', 'bob%00', 'BOB', 'bob%20', '*', '%2e%2e%2fuser%2fbob', '%2562ob', '.']

describe('a user', () => {
  let app: TestApp
  let client: ReturnType<typeof rawClient>
  const mallory = ['Authorization', bearer('mallory').authorization]
  before(async () => {
    app = await startWorld({ rollup: { enabled: false } })
    client = rawClient(app.url)
  })
  after(async () => {
    client.close()
    await app.close()
  })

  const seesNothing = async (path: string, headers = mallory) => {
    const { status, body } = await client.ask('GET', path, headers)
    assert.doesNotMatch(
      body,
      /alice|"user_id":"(?!mallory)|root|acme|gpt-4o|house-model|chatcmpl/,
      path,
    )
    return { status, body }
  }

  it('sees nobody else by any parameter of any route', async () => {
    const others = [
      'user',
      'user_id',
      'sub',
      'q',
      'tier',
      'org',
      'org_id',
      'id',
      'as',
      'on_behalf_of',
    ]
    for (const { path, method, parameters } of operations.filter(isGuarded)) {
      if (method !== 'GET' || path.endsWith('stream')) continue
      const names = [...new Set([...others, ...parameters.map(({ name }) => name)])]
      for (const id of ids) {
        const own = path.replace(/\{\w+\}/g, id)
        for (const query of ['', ...names.map((name) => `?${name}=${id}`)]) {
          await seesNothing(own + query)
        }
      }
    }
  })

  it('sees nobody else by another spelling of a path', async () => {
    const paths = [
      '/USER/bob',
      '/user/bob/',
      '//user/bob',
      '/me/../user/bob',
      '/me/%2e%2e/user/bob',
    ]
    const tails = [
      '/user/bob;x',
      '/user/bob/me',
      '/me/logs/bob',
      '/me/bob',
      '/users/',
      '/Logs',
      '/logs/',
    ]
    for (const path of [...paths, ...tails]) {
      const { status } = await seesNothing(path)
      assert.ok([403, 404].includes(status), `${path}: ${status}`)
    }
  })

  it('sees nobody else by a header that proxies use', async () => {
    const names = [
      'X-User',
      'X-User-Id',
      'X-Original-URL',
      'X-Rewrite-URL',
      'X-HTTP-Method-Override',
    ]
    for (const name of [...names, 'X-Forwarded-User', 'X-Forwarded-For', 'Forwarded', 'X-Role']) {
      for (const value of ['bob', '/ai/usage/user/bob', 'admin', '127.0.0.1']) {
        const headers = [...mallory, name, value]
        for (const path of ['/me', '/me/logs']) {
          assert.equal((await seesNothing(path, headers)).status, 200)
        }
        assert.equal((await seesNothing('/users', headers)).status, 403)
      }
    }
  })

  it('sees only what is its own by a foreign or a forged cursor', async () => {
    const admin = ['Authorization', as.admin.authorization]
    const page = await client.ask('GET', '/logs?limit=1', admin)
    const foreign = (JSON.parse(page.body) as { page: { next_cursor: string } }).page.next_cursor
    const later = 8_640_000_000_000
    const forged = [
      ...[
        [later, 'bob'],
        [later, '\uffff'],
        [0, ''],
        [later, 'bob', 'bob'],
        ['bob', 'bob'],
      ],
      ...[{ user_id: 'bob' }, [{ $gt: 0 }, 'bob'], [later, { $ne: '' }], [later, ['bob']]],
    ]
    for (const cursor of [foreign, ...forged.map(cursorOf)]) {
      const { status, body } = await seesNothing(`/me/logs?cursor=${encodeURIComponent(cursor)}`)
      assert.ok(status === 400 || (status === 200 && body.startsWith('{"data":[]')), body)
    }
    const alice = ['Authorization', as.user.authorization]
    const own = await client.ask('GET', `/me/logs?cursor=${cursorOf([later, 'zzz'])}`, alice)
    const { data } = JSON.parse(own.body) as { data: { user_id: string }[] }
    assert.ok(data.length > 0 && data.every(({ user_id }) => user_id === 'alice'))
  })
})
