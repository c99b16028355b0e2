import assert from 'node:assert/strict'
import mongoose, { type Connection } from 'mongoose'
import { createFindCaller } from '../../middleware/callers.js'
import { accountModel } from '../../models/account.js'
import { auditModel } from '../../models/audit.js'
import { budgetModel } from '../../models/budget.js'
import { counterModel } from '../../models/counter.js'
import { leaseModel } from '../../models/lease.js'
import { erasureModel } from '../../models/erasure.js'
import { noticeModel } from '../../models/notice.js'
import { planModel } from '../../models/plan.js'
import { priceModel } from '../../models/price.js'
import { rollupStateModel } from '../../models/rollup-state.js'
import { dailyStatsModel, usageIntervalsModel } from '../../models/rollups.js'
import { usageLogModel } from '../../models/usage-log.js'
import { allRoutes } from '../../routes/router.js'
import { defaultOperations } from '../../src/capture/operations.js'
import { errorCodes } from '../../src/errors.js'
import { House } from '../../src/house.js'
import { parsePrioritizeOptions } from '../../src/limits/prioritize-options.js'
import { parseOptions, type UsageOptions } from '../../src/options.js'
import { dialectOf, knownProviders } from '../../src/proxy/dialects.js'
import { parseProxyOptions } from '../../src/proxy/options.js'
import { createRouteContext } from '../../src/route-context.js'
import { poolsOf } from '../../src/store/pools.js'
import { freshDatabase } from '../helpers/mongo.js'
import { code, document, table } from './documents.js'
import { membersOf } from './types.js'

const readme = document('README.md')
const names = (header: string, markdown = readme) =>
  table(markdown, header).map(([cell]) => code(cell))
const agree = (documented: readonly string[], actual: readonly string[]) => {
  assert.deepEqual(documented.toSorted(), actual.toSorted())
}

const options: UsageOptions = { mongoUri: 'mongodb://127.0.0.1', identify: () => undefined }

describe('the tables of the README', () => {
  it('list the options, all of them and no others', () => {
    agree(names('option'), membersOf('src/options.ts', 'UsageOptions'))
  })

  it('give the defaults that the options have', () => {
    const config: unknown = parseOptions(options, false)
    for (const [name, value] of table(readme, 'option')) {
      const documented = code(value)
      if (documented === '' || documented === '[]') continue
      const path = code(name).split('.')
      const found = path.reduce<unknown>(
        (at, key) => Reflect.get(Object(at), key) as unknown,
        config,
      )
      assert.equal(documented, typeof found === 'string' ? `'${found}'` : String(found), code(name))
    }
  })

  it('list the members of auth', () => {
    agree(names('auth option'), membersOf('src/identity/auth-options.ts', 'AuthOptions', false))
  })

  it('list the members of what createUsage returns', () => {
    const documented = names('member').map((call) => call.replace(/\(.*/, ''))
    agree(documented, membersOf('src/usage.ts', 'Usage'))
  })

  it('list the options of a proxy', () => {
    agree(names('proxy option'), membersOf('src/proxy/options.ts', 'ProxyOptions', false))
  })

  it('give the defaults that a proxy has', () => {
    const config = parseProxyOptions({ provider: 'openai', apiKey: 'sk-any-key' })
    for (const name of ['anonymous', 'maxBodyBytes', 'timeoutMs', 'user'] as const) {
      const [, value] = table(readme, 'proxy option').find(([cell]) => code(cell) === name) ?? []
      const found = config[name]
      assert.equal(code(value), typeof found === 'string' ? `'${found}'` : String(found), name)
    }
  })

  it('list the options of prioritize, with their defaults', () => {
    const members = membersOf('src/limits/prioritize-options.ts', 'PrioritizeOptions', false)
    agree(names('prioritize option'), members)
    const config = parsePrioritizeOptions({ concurrency: 1 })
    for (const name of ['maxWaitMs', 'maxQueue'] as const) {
      const row = table(readme, 'prioritize option').find(([cell]) => code(cell) === name)
      assert.equal(code(row?.[1]), String(config[name]))
    }
  })

  it('list the providers of a proxy and what may be called there', () => {
    const rows = table(readme, 'provider')
    const all = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
    agree(
      rows.flatMap(([cell]) => all(cell).filter((name) => name !== 'baseUrl')),
      knownProviders,
    )
    for (const [cell, own = ''] of rows) {
      const [provider = ''] = all(cell)
      const text = own.startsWith('the same') ? `${rows[0]?.[1] ?? ''} ${own}` : own
      const documented = all(text)
      for (const { path, type } of dialectOf(provider).paths) {
        const full = path.replaceAll('\\', '').replace(/\/:model$/, '')
        const short = full.replace(/^\/v1(?:alpha|beta)?(?=\/)/, '')
        const forms = [full, short, /:\w+$/.exec(short)?.[0] ?? short]
        assert.ok(
          forms.some((form) => documented.includes(form)),
          `${provider} ${path}`,
        )
        if (type !== undefined) assert.ok(text.includes(`(${type})`), `${provider} ${type}`)
      }
    }
  })

  it('list the built-in operations with their estimates', () => {
    const documented = table(readme, 'path').map(([path, type, estimate]) => ({
      path: code(path),
      type: code(type),
      estimateTokens: Number(estimate),
    }))
    assert.deepEqual(documented, defaultOperations)
  })

  it('list the error codes with their status', () => {
    const documented = table(readme, 'code').map(
      ([name, status]) => `${code(name)} ${status ?? ''}`,
    )
    const actual = Object.entries(errorCodes).map(
      ([name, entry]) => `${name} ${'status' in entry ? entry.status : ''}`,
    )
    agree(documented, actual)
  })

  it('list the variables that npm start reads', () => {
    const sources = ['scripts/serve.ts', 'scripts/demo/upstream.ts'].map(document).join('\n')
    const read = [...sources.matchAll(/\benv(?:\.|\[')([A-Z_]+)/g)].map(([, name = '']) => name)
    agree(names('variable'), [...new Set(read)])
  })

  it('list the routes', async () => {
    const database = await freshDatabase()
    const config = parseOptions(
      { connection: database.connection, identify: () => undefined },
      false,
    )
    const find = createFindCaller(config, undefined)
    const house = new House(config, poolsOf(database.connection), find)
    const routes = allRoutes(createRouteContext(config, house, find))
    agree(
      names('route'),
      routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`),
    )
    await house.ready()
    await house.close(5_000)
    await database.drop()
  })
})

describe('what the README says of MongoDB', () => {
  const connection: Connection = mongoose.createConnection()
  after(() => connection.close())
  const models = () => [
    usageLogModel(connection),
    dailyStatsModel(connection),
    usageIntervalsModel(connection),
    accountModel(connection),
    rollupStateModel(connection),
    priceModel(connection),
    budgetModel(connection),
    noticeModel(connection),
    planModel(connection),
    auditModel(connection),
    counterModel(connection),
    erasureModel(connection),
    leaseModel(connection),
  ]

  it('names every field of usage_logs and no others', () => {
    agree(names('field'), Object.keys(usageLogModel(connection).schema.paths))
  })

  it('names every collection with its indexes', () => {
    const rows = table(readme, 'collection')
    const actual = models().map((model) => ({
      collection: model.collection.collectionName,
      indexes: model.schema.indexes().map(([keys]) => describeKeys(keys)),
    }))
    const documented = rows.map(([collection, , indexes = '']) => ({
      collection: code(collection),
      indexes: [...indexes.matchAll(/`([^`]+)`/g)].map(([, index = '']) => index),
    }))
    assert.deepEqual(documented, actual)
  })
})

function describeKeys(keys: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(keys).map(([name, order]) => (order === -1 ? `${name} desc` : name))
  return `(${parts.join(', ')})`
}

describe('ARCHITECTURE.md', () => {
  const architecture = document('ARCHITECTURE.md')

  it('says of every dependency how it earns its place', () => {
    const { dependencies } = JSON.parse(document('package.json')) as { dependencies: object }
    agree(names('package', architecture), Object.keys(dependencies))
  })
})
