import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { inspect } from 'node:util'
import type { Request } from 'express'
import { Types } from 'mongoose'
import type { UsageEvent } from '../../src/index.js'
import { createFindCaller } from '../../middleware/callers.js'
import { startApp, type TestApp } from '../helpers/app.js'
import { fakeTimers, realTimers } from '../helpers/fake-timers.js'
import { keptLines } from '../security/lines.js'

const objectId = new Types.ObjectId('665f1c2e8b3e4a0012345678')

describe('identify that never answers', () => {
  afterEach(() => realTimers())

  it('holds a request for five seconds, and is told in the log', async () => {
    const { lines, logger } = keptLines()
    const find = createFindCaller(
      { identify: () => new Promise(() => undefined), logger },
      undefined,
    )
    fakeTimers('setTimeout')
    const asked = find({ rawHeaders: [] } as unknown as Request)
    mock.timers.tick(5_000)
    assert.equal((await asked).ok, false)
    assert.deepEqual(lines, ['usage: identify(req) has not answered within 5000 ms'])
  })
})

describe('what identify answers', () => {
  const { lines, logger } = keptLines()
  let said: unknown
  let annotated: Types.ObjectId | undefined
  let app: TestApp
  before(async () => {
    app = await startApp(
      (host, usage) => {
        host.post('/ai/chat', (req, res) => {
          if (annotated) usage.annotate(req, { user_id: annotated as unknown as string })
          res.json({ reply: 'Yes.' })
        })
      },
      { auth: undefined, identify: () => said as undefined, logger },
    )
  })
  after(() => app.close())
  afterEach(() => app.database.connection.collection('usage_logs').deleteMany({}))

  async function userOf(answer: unknown) {
    said = answer
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST' })).text()
    await app.usage.flush()
    const logs = app.database.connection.collection<UsageEvent>('usage_logs')
    const [event, ...more] = await logs.find().toArray()
    assert.deepEqual(more, [])
    return event?.user_id
  }

  for (const [name, user_id, known] of [
    ['a string', 'ann', 'ann'],
    ['an integer', 42, '42'],
    ['a bigint', 9_007_199_254_740_993n, '9007199254740993'],
    ['an ObjectId', objectId, '665f1c2e8b3e4a0012345678'],
  ] as const) {
    it(`names a user by ${name}`, async () => {
      assert.equal(await userOf({ user_id }), known)
      assert.deepEqual(lines, [])
    })
  }

  it('is taken by annotate in the same forms', async () => {
    annotated = objectId
    assert.equal(await userOf(undefined), '665f1c2e8b3e4a0012345678')
    assert.deepEqual(lines, [])
    annotated = undefined
  })

  for (const answer of [undefined, null, false, '', { user_id: undefined }, { user_id: null }]) {
    it(`may be that nobody is known: ${inspect(answer)}`, async () => {
      assert.equal(await userOf(answer), 'anonymous')
      assert.deepEqual(lines, [])
    })
  }

  for (const [answer, line] of [
    ['ann', 'it answered a string, not { user_id }'],
    [42, 'it answered a number, not { user_id }'],
    [{ id: 'ann' }, 'its answer has no user_id'],
    [{ user_id: { $gt: '' } }, 'its user_id is of type object'],
    [{ user_id: 1.5 }, 'its user_id is of type number'],
    [{ user_id: 'a\nb' }, 'its user_id is no identifier'],
  ] as const) {
    it(`is told in the log, once, where it was to name someone: ${line}`, async () => {
      assert.equal(await userOf(answer), 'anonymous')
      assert.deepEqual(lines.splice(0), [`usage: identify(req) names nobody: ${line}`])
      await app.database.connection.collection('usage_logs').deleteMany({})
      assert.equal(await userOf(answer), 'anonymous')
      assert.deepEqual(lines, [])
    })
  }
})
