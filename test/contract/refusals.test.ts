import assert from 'node:assert/strict'
import type { TestApp } from '../helpers/app.js'
import { complaints, isGuarded, methodsOf, operations, spec } from './spec.js'
import { as, ask, fits, pathOf, startWorld } from './world.js'

describe('the refusals of the HTTP API', () => {
  let app: TestApp
  before(async () => {
    app = await startWorld()
  })
  after(() => app.close())

  for (const operation of operations.filter(isGuarded)) {
    it(`are 401 and 403 for ${operation.path} without the right token`, async () => {
      const send = (headers: Record<string, string>) =>
        ask(app, operation.method, pathOf(operation), headers)
      await fits(await send(as.nobody), operation, 401)
      for (const authorization of [
        'Bearer x',
        'Basic YTpi',
        'Bearer',
        `${as.admin.authorization}x`,
      ]) {
        await fits(await send({ authorization }), operation, 401)
      }
      const wrong = operation.tags[0] === 'caller' ? as.service : as.user
      await fits(await send(wrong), operation, 403)
      if (operation.tags[0] === 'admin') await fits(await send(as.service), operation, 403)
    })
  }

  for (const operation of operations) {
    it(`are 405 for ${operation.path} with another method`, async () => {
      const known = methodsOf(operation.path)
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        if (known.includes(method)) continue
        await fits(await ask(app, method, pathOf(operation), as.admin), operation, 405)
      }
    })
  }

  it('are 404 problems for unknown paths, whoever asks', async () => {
    for (const path of ['', '/', '/me/nothing', '/user', '/user/', '/docs/nothing', '/__proto__']) {
      for (const headers of [as.nobody, as.admin]) {
        const response = await ask(app, 'GET', path, headers)
        assert.equal(response.status, 404, path)
        assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
        const problem = (await response.json()) as { code: string }
        assert.deepEqual(complaints(spec.components.schemas.Problem ?? {}, problem), [], path)
        assert.equal(problem.code, 'not_found')
      }
    }
  })

  it('are the same 403 whether or not the user exists', async () => {
    const [known, unknown] = await Promise.all(
      ['alice', 'nobody'].map(async (id) => (await ask(app, 'GET', `/user/${id}`, as.user)).text()),
    )
    assert.equal(known, unknown)
  })
})
