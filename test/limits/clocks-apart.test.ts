import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { freshDatabase } from '../helpers/mongo.js'
import { ask, endOf, setClock, startInstance, type Instance } from './instances.js'

const inFlight = 50
const limits = [{ name: 'daily', metric: 'requests', window: 'day', limit: inFlight }] as const

describe('instances whose clocks are apart', function () {
  this.timeout(60_000)

  for (const seconds of [25, -25, 600])
    it(`let through no more than the limit together (${seconds} s)`, async () => {
      const database = await freshDatabase()
      const agent = new Agent({ keepAlive: true, maxSockets: 100 })
      const plans = { free: { limits, onStoreError: 'closed' as const } }
      const instances = await Promise.all([0, 1].map(() => startInstance(database.uri, plans)))
      const [holder, other] = instances as [Instance, Instance]
      // Not where a day ends in between.
      const noon = new Date().setUTCHours(12, 0, 0, 0)
      const isNearMidnight = Math.abs(Date.now() - noon) > 11 * 3_600_000
      await setClock(other, Date.now() + (isNearMidnight ? -seconds : seconds) * 1_000)
      const surely = async (instance: Instance, path?: string) => {
        for (;;) {
          const status = await ask(agent, instance, 'ann', { ...(path && { path }) })
          if (status !== 503) return status
          await sleep(50)
        }
      }
      const lost = Array.from({ length: inFlight }, () =>
        surely(holder, '/ai/summarize').catch(() => 'lost'),
      )
      await holder.reports({ held: inFlight })
      assert.deepEqual(await Promise.all([1, 2, 3].map(() => surely(other))), [429, 429, 429])
      await endOf(holder, 'SIGKILL')
      await Promise.all(lost)
      await endOf(other)
      agent.destroy()
      await database.drop()
    })
})
