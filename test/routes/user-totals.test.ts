import assert from 'node:assert/strict'
import { systemClock } from '../../src/clock.js'
import { rollUp } from '../../src/rollup/roller.js'
import { createStore } from '../../src/store/store.js'
import { dayMs } from '../../src/time.js'
import { startApp, type TestApp } from '../helpers/app.js'

interface Row {
  user_id: string
  totals: { operations: number; tokens: number; cost_usd: number | null }
  first_seen: string
}

describe('the totals of accounts', function () {
  this.timeout(20_000)
  let app: TestApp
  beforeEach(async () => {
    app = await startApp(() => undefined)
  })
  afterEach(() => app.close())

  const ago = (days: number) => new Date(Date.now() - days * dayMs).toISOString()
  const submit = async (user_id: string, timestamps: readonly string[], model: string) => {
    const events = timestamps.map((timestamp) => ({
      ...{ id: `${user_id} ${timestamp}`, user_id, operation_type: 'chat', model, timestamp },
      ...{ input_tokens: 1000, output_tokens: 500 },
    }))
    const { status, body } = await app.send('POST', '/events', { events })
    assert.equal(status, 202, JSON.stringify(body))
    await app.usage.flush()
  }
  const rollUpNow = () => rollUp(createStore(app.database.connection, systemClock))
  const rows = async (query: string) => (await app.admin<{ data: Row[] }>(`/users?${query}`)).data

  it('hold what was done before an account was made, whoever else is on the page', async () => {
    const long = ago(20)
    await submit('ann', [ago(0), long], 'gpt-4o')
    await submit('ben', [ago(0), ago(1), ago(30)], 'gpt-4o')
    await rollUpNow()
    const { total_operations, total_cost_usd } = await app.admin('/user/ann')
    for (const query of ['q=ann', 'sort=user_id']) {
      const [ann] = await rows(query)
      assert.equal(total_operations, 2)
      assert.deepEqual(ann?.totals, { operations: 2, tokens: 3000, cost_usd: total_cost_usd })
      assert.equal(ann.first_seen, long)
    }
  })

  it('are in the order that was asked for', async () => {
    await submit('ann', [ago(0), ago(20), ago(21)], 'gpt-4o')
    await submit('ben', [ago(0), ago(1)], 'gpt-4o')
    await rollUpNow()
    await submit('ben', [ago(0.5), ago(0.6)], 'gpt-4o')
    const tokens = (await rows('sort=-total_tokens')).map(({ totals }) => totals.tokens)
    assert.deepEqual(tokens, [4500, 3000])
  })

  it('have no cost where no price is known of anything', async () => {
    await submit('ann', [ago(0), ago(20)], 'of-our-own')
    await rollUpNow()
    const [ann] = await rows('q=ann')
    assert.deepEqual(ann?.totals, { operations: 2, tokens: 3000, cost_usd: null })
  })
})
