import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { PlanOptions } from '../../src/index.js'
import { secret } from '../helpers/app.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'

const runs = Number(process.env.LIMIT_RUNS ?? 1)

interface Instance {
  readonly child: ChildProcess
  readonly port: number
}

async function start(uri: string, plan: PlanOptions): Promise<Instance> {
  const script = new URL('instance.ts', import.meta.url).pathname
  const child = fork(script, [uri, secret, JSON.stringify(plan)], {
    execArgv: ['--import', 'tsx'],
  })
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}

function ask(agent: Agent, { port }: Instance, user: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const path = `/ai/chat?user=${user}`
    const req = request({ port, agent, path, method: 'POST' }, (res) => {
      res.resume().once('end', () => resolve(res.statusCode ?? 0))
    })
    req.once('error', reject)
    req.end()
  })
}

describe(`a hard limit of 50 a day, 1,000 requests at once over two processes, ${runs} run(s)`, () => {
  let database: FreshDatabase
  let instances: Instance[]
  let agent: Agent
  before(async () => {
    database = await freshDatabase()
    agent = new Agent({ keepAlive: true, maxSockets: 250 })
  })
  after(async () => {
    agent.destroy()
    await database.drop()
  })
  afterEach(async () => {
    for (const { child } of instances) {
      const left = once(child, 'exit')
      child.send('stop')
      await left
    }
  })

  const limits = [{ name: 'daily', metric: 'requests', window: 'day', limit: 50 }] as const
  const storm = async (user: string): Promise<number[]> =>
    Promise.all(
      Array.from({ length: 1_000 }, (_, index) => {
        const instance = instances[index % 2]
        assert.ok(instance)
        return ask(agent, instance, user)
      }),
    )

  for (const onStoreError of ['open', 'closed'] as const) {
    it(`lets through exactly 50, and answers all within 2 s, ${onStoreError}`, async () => {
      const plan: PlanOptions = { limits, onStoreError }
      instances = await Promise.all([0, 1].map(() => start(database.uri, plan)))
      await storm(`warm-${onStoreError}`)
      for (let run = 0; run < runs; run++) {
        const began = performance.now()
        const statuses = await storm(`${onStoreError}-${run}`)
        const took = performance.now() - began
        assert.equal(statuses.filter((status) => status === 200).length, 50)
        assert.equal(statuses.filter((status) => status === 429).length, 950)
        assert.ok(took < 2_000, `took ${Math.round(took)} ms`)
      }
    })
  }

  for (const [what, end] of [
    ['midnight', Date.UTC(2026, 4, 12)],
    ['the end of a month', Date.UTC(2026, 5, 1)],
  ] as const) {
    it(`lets through 50 before ${what} and 50 after it`, async () => {
      instances = await Promise.all([0, 1].map(() => start(database.uri, { limits })))
      const user = `across-${end}`
      for (const now of [end - 60_000, end]) {
        for (const { child } of instances) {
          child.send(now)
          await once(child, 'message')
        }
        assert.equal((await storm(user)).filter((status) => status === 200).length, 50)
      }
    })
  }
})
