import assert from 'node:assert/strict'
import type { Estimate } from '../../src/insight/estimate.js'
import type { PlanOptions } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

const tokens = { name: 'tokens', metric: 'tokens', window: 'month', limit: 10_000 } as const
const requests = { name: 'requests', metric: 'requests', window: 'month', limit: 100 } as const

describe('how many more operations a caller can do', function () {
  this.timeout(20_000)
  let app: TestApp
  afterEach(() => app.close())
  const start = async (plan: PlanOptions, used: readonly number[]) => {
    app = await startApp(() => undefined, { plans: { free: plan } })
    for (const [index, output_tokens] of used.entries()) {
      const model = index % 2 === 0 ? 'even' : 'odd'
      const what = {
        user_id: 'alice',
        operation_type: 'chat',
        input_tokens: 0,
        output_tokens,
        model,
      }
      await app.usage.record(what)
    }
    await app.usage.flush()
  }
  const ask = (query = '') => app.as<Estimate>('alice', `/me/estimate${query}`)

  it('is what is left over the quartiles of what they used', async () => {
    await start({ limits: [tokens] }, [100, 200, 300, 400, 500])
    const { sample_size, median_tokens, variance, estimated_remaining } = await ask()
    assert.deepEqual([sample_size, median_tokens, variance], [5, 300, 25_000])
    assert.deepEqual(estimated_remaining, { min: 21, max: 42 })
  })

  it('is bounded by the tightest limit', async () => {
    await start({ limits: [tokens, { ...requests, limit: 9 }] }, [100, 200, 300, 400, 500])
    assert.deepEqual((await ask()).estimated_remaining, { min: 4, max: 4 })
  })

  it('is bounded by what all users of their organisation have left together', async () => {
    const plans = { free: { limits: [tokens] }, team: { limits: [{ ...requests, limit: 3 }] } }
    app = await startApp(() => undefined, { plans, orgPlan: 'team' })
    const what = { operation_type: 'chat', input_tokens: 0, output_tokens: 100, org_id: 'acme' }
    await app.usage.record({ ...what, user_id: 'alice' })
    await app.usage.record({ ...what, user_id: 'bob' })
    await app.usage.flush()
    const headers = bearer('alice', { org: 'acme' })
    const response = await fetch(`${app.url}/ai/usage/me/estimate`, { headers })
    const { estimated_remaining } = (await response.json()) as Estimate
    assert.deepEqual(estimated_remaining, { min: 1, max: 1 })
  })

  it('goes by operations of the kind and model that is asked for', async () => {
    await start({ limits: [tokens] }, [100, 900, 100, 900])
    const even = await ask('?operation_type=chat&model=even')
    assert.deepEqual([even.median_tokens, even.sample_size, even.model], [100, 2, 'even'])
    assert.equal((await ask('?operation_type=mindmap')).sample_size, 0)
  })

  it('assumes what is booked for the kind where there is nothing to go by', async () => {
    await start({ limits: [tokens] }, [])
    const found = await ask('?operation_type=mindmap')
    assert.deepEqual(found, {
      ...{ operation_type: 'mindmap', model: null, median_tokens: null, variance: null },
      ...{ sample_size: 0, estimated_remaining: { min: 5, max: 5 }, confidence: 'low' },
    })
  })

  it('is null where nothing refuses', async () => {
    await start({ limits: [{ ...tokens, enforcement: 'soft' }] }, [100, 200])
    assert.deepEqual((await ask()).estimated_remaining, { min: null, max: null })
  })

  for (const [confidence, count, spread] of [
    ['high', 20, 10],
    ['medium', 19, 10],
    ['medium', 20, 80],
    ['low', 4, 0],
    ['low', 20, 1000],
  ] as const) {
    it(`is of ${confidence} confidence by ${count} operations that differ by ${spread}`, async () => {
      const used = Array.from({ length: count }, (_, at) => (at === 0 ? 100 + 10 * spread : 100))
      const wide = Array.from({ length: count }, (_, at) =>
        at % 2 === 0 ? 100 + spread : 100 - spread,
      )
      await start({ limits: [] }, spread > 100 ? used : wide)
      assert.equal((await ask()).confidence, confidence)
    })
  }
})
