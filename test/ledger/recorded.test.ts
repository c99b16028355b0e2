import assert from 'node:assert/strict'
import { startApp, type TestApp } from '../helpers/app.js'
import { listenIn, monitored, type Command } from '../security/commands.js'

describe('events that are recorded at once', () => {
  let app: TestApp
  let heard: Command[]
  before(async () => {
    app = await startApp(() => undefined, { rollup: { enabled: false } }, monitored)
    heard = listenIn(app.database.connection)
  })
  after(() => app.close())

  const record = (id: string, output_tokens = 1) =>
    app.usage.record({ id, user_id: 'job', operation_type: 'chat', input_tokens: 1, output_tokens })
  const outcomes = (made: readonly { outcome: string }[]) => made.map(({ outcome }) => outcome)

  it('have their ids looked up together, and each learns of its own', async () => {
    const known = ['a', 'b', 'c']
    for (const id of known) await record(id)
    await app.usage.flush()
    // Another instance has made these: this one must ask.
    const other = await startApp(() => undefined, { connection: app.database.connection })
    heard.length = 0
    const ids = [...known, ...Array.from({ length: 200 }, (_, index) => `new-${index}`)]
    const made = await Promise.all(
      ids.map((id) =>
        other.usage.record({ id, user_id: 'job', operation_type: 'chat', input_tokens: 1 }).then(
          ({ outcome }) => outcome,
          (error: unknown) => Reflect.get(Object(error), 'code') as unknown,
        ),
      ),
    )
    assert.deepEqual(made.slice(0, 3), ['conflict', 'conflict', 'conflict'])
    assert.deepEqual(new Set(made.slice(3)), new Set(['accepted']))
    const lookups = heard.filter(({ name, body }) => name === 'find' && body.find === 'usage_logs')
    assert.ok(lookups.length <= 4, `${lookups.length} queries`)
    await other.close()
  })

  it('count once where they are the same', async () => {
    const made = await Promise.all([record('twice'), record('twice'), record('twice')])
    assert.deepEqual(outcomes(made).toSorted(), ['accepted', 'duplicate', 'duplicate'])
  })
})
