import type { TestApp } from '../helpers/app.js'
import { named } from './spec.js'
import { as, ask, fits, send, startWorld } from './world.js'

const json = { 'content-type': 'application/json' }

describe('the answers of the HTTP API to what admins keep', () => {
  let app: TestApp
  before(async () => {
    app = await startWorld()
  })
  after(() => app.close())

  it('fit the life of a price, from its making to its end', async () => {
    const create = named('createPrice')
    const one = (id: string, price: unknown) => {
      const operation = named(id)
      const path = operation.path.replace('{price_id}', String(price))
      return { ...operation, path, parameters: [] }
    }
    const made = (await fits(await send(app, create, as.admin), create, 201)) as {
      price_id: string
    }
    await fits(await send(app, create, as.admin), create, 409)
    await fits(await ask(app, 'GET', '/prices', as.admin), named('listPrices'), 200)
    const change = one('changePrice', made.price_id)
    await fits(await send(app, change, as.admin), change, 200)
    const price = { model: 'm', input_usd_per_million: 1, output_usd_per_million: 2 }
    const wrong = [{}, { ...price, model: '' }, { ...price, input_usd_per_million: '1' }]
    for (const body of [...wrong, { ...price, effective_from: 'x' }, { ...price, more: 1 }]) {
      const headers = { ...json, ...as.admin }
      await fits(await ask(app, 'POST', '/prices', headers, JSON.stringify(body)), create, 422)
      await fits(await ask(app, 'POST', '/prices', headers, '{'), create, 400)
    }
    const huge = JSON.stringify({ ...price, note: 'x'.repeat(100_000) })
    await fits(await ask(app, 'POST', '/prices', { ...json, ...as.admin }, huge), create, 413)
    const remove = one('deletePrice', made.price_id)
    await fits(await send(app, remove, as.admin), remove, 200)
    for (const gone of [change, remove]) await fits(await send(app, gone, as.admin), gone, 404)
  })

  it('fit the life of a budget, from its making to its end', async () => {
    const create = named('createBudget')
    const post = (body: unknown) =>
      ask(app, 'POST', '/budgets', { ...json, ...as.admin }, JSON.stringify(body))
    const body = { scope: 'user', user_id: 'zoe', preset: 'monthly-10' }
    const { budget_id } = (await fits(await post(body), create, 201)) as { budget_id: string }
    await fits(await post(body), create, 409)
    await fits(await post({ scope: 'user' }), create, 422)
    await fits(await post([]), create, 400)
    await fits(await post({ ...body, note: 'x'.repeat(100_000) }), create, 413)
    const one = (id: string) => {
      const operation = named(id)
      const path = operation.path.replace('{budget_id}', encodeURIComponent(budget_id))
      return { ...operation, path, parameters: [] }
    }
    for (const id of ['readBudget', 'changeBudget', 'deleteBudget']) {
      await fits(await send(app, one(id), as.admin), one(id), 200)
    }
    for (const id of ['readBudget', 'changeBudget', 'deleteBudget']) {
      await fits(await send(app, one(id), as.admin), one(id), 404)
    }
  })
})
