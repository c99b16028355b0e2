import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { named } from '../contract/spec.js'
import { ask, fits } from '../contract/world.js'
import type { TestApp } from '../helpers/app.js'
import { startOverheard, type Command } from './commands.js'

const fields = ['database', 'spool', 'status', 'uptime_seconds', 'usage', 'version']
const usageFields = [
  ...['active_users', 'operations_last_hour', 'recent_operations', 'tokens_last_hour'],
]

/** Asks as often as the machine gives, for so long; answers how often. */
async function storm(url: string, path: string, ms: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const until = performance.now() + ms
  let asked = 0
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const sent = request(`${url}${path}`, { agent }, (response) => {
        response.resume().on('end', resolve)
      })
      sent.on('error', reject).end()
    })
  const worker = async () => {
    while (performance.now() < until) {
      await one()
      asked += 1
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
  agent.destroy()
  return asked
}

describe('/health under a storm', function () {
  this.timeout(60_000)
  let app: TestApp
  let heard: Command[]
  before(async () => {
    ;({ app, heard } = await startOverheard())
  })
  after(() => app.close())

  it('asks the database once a second at most', async () => {
    for (const path of ['/health', '/ai/usage/health', '/ai/usage/readyz']) {
      heard.splice(0)
      const began = performance.now()
      const asked = await storm(app.url, path, 1_000)
      const seconds = (performance.now() - began) / 1_000
      assert.ok(asked > 50, `only ${asked} requests`)
      const count = (name: string) => heard.filter((one) => one.name === name).length
      assert.ok(count('ping') <= Math.ceil(seconds) + 1, `${path}: ${count('ping')} pings`)
      assert.ok(count('aggregate') <= 4 * (Math.ceil(seconds) + 1), `${path}: aggregates`)
    }
  })

  it('says what the contract says, and nothing of anybody', async () => {
    const response = await ask(app, 'GET', '/health', {})
    const text = await response.clone().text()
    await fits(response, named('getHealth'), 200)
    const report = JSON.parse(text) as { usage: { recent_operations: object[] } }
    assert.deepEqual(Object.keys(report).sort(), fields)
    assert.deepEqual(Object.keys(report.usage).sort(), usageFields)
    assert.ok(report.usage.recent_operations.length > 0)
    assert.doesNotMatch(text, /alice|bob|acme|gpt|house-model|\/ai\/|127\.0\.0\.1|c-1/)
  })

  it('says no more, and asks no more, when the database is away', async () => {
    const { app: other, heard: told } = await startOverheard()
    await other.database.connection.close()
    // Closing says good-bye.
    told.splice(0)
    const asked = await storm(other.url, '/health', 500)
    assert.ok(asked > 50, `only ${asked} requests`)
    assert.deepEqual(told, [])
    const response = await ask(other, 'GET', '/health', {})
    const text = await response.clone().text()
    await fits(response, named('getHealth'), 503)
    assert.deepEqual(Object.keys(JSON.parse(text) as object).sort(), fields)
    assert.doesNotMatch(text, /alice|Mongo|ECONN|127\.0\.0\.1|error|stack/i)
    await other.database.connection.openUri(other.database.uri)
    await other.close()
  })
})
