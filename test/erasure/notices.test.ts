import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { Notices } from '../../src/notices/notices.js'
import { startApp } from '../helpers/app.js'
import { quiet } from '../helpers/quiet.js'

const mine = [
  'threshold:user:acme:monthly:month@2026-01:50',
  'limit:user:acme:monthly:lifetime',
  'blocked:user:acme:1767225600000',
]
const theirs = [
  'threshold:user:acme:1:monthly:month@2026-01:50',
  'limit:user:acme:1:monthly:lifetime',
  'blocked:user:acme:1:1767225600000',
  'threshold:org:acme:monthly:month@2026-01:50',
]

describe('erasing a person whose id begins the id of another', () => {
  it('removes what was told of them, and nothing of the other', async () => {
    const app = await startApp(() => undefined, { spool: false, rollup: { enabled: false } })
    const notices = app.database.connection.collection('usage_notices')
    const at = new Date(Date.now() - 1_000)
    await notices.insertMany([...mine, ...theirs].map((id) => ({ _id: id as never, at })))
    await app.send('DELETE', '/users/acme')
    const left = await notices.find().toArray()
    assert.deepEqual(left.map(({ _id }) => String(_id)).sort(), [...theirs].sort())
    await app.close()
  })

  it('forgets what this process knows was told of them, and nothing of the other', () => {
    const asked: string[] = []
    const door = {
      claim: ({ _id }: { _id: string }) => {
        asked.push(_id)
        return Promise.resolve(false)
      },
    }
    const notices = new Notices({ door, clock: systemClock, logger: quiet })
    for (const type of ['threshold', 'limit', 'blocked'] as const) {
      notices.on(type, () => undefined)
    }
    const raise = () => {
      for (const id of [...mine, ...theirs]) {
        const [type = ''] = id.split(':')
        notices.raise(type as 'limit', id.slice(type.length + 1), Infinity, () => assert.fail())
      }
    }
    raise()
    notices.forget('acme')
    asked.length = 0
    raise()
    assert.deepEqual(asked, mine)
  })
})
