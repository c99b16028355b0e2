import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { freshDatabase } from '../helpers/mongo.js'
import { ask, endOf, setClock, startInstance, type Instance } from './instances.js'

const inFlight = 50
const limits = [{ name: 'daily', metric: 'requests', window: 'day', limit: inFlight }] as const

describe('instances whose clocks are apart', function () {
  this.timeout(60_000)

  for (const seconds of [35, -35, 600])
    it(`let through no more than the limit together (${seconds} s)`, async () => {
      const database = await freshDatabase()
      const agent = new Agent({ keepAlive: true, maxSockets: 100 })
      const plans = { free: { limits, onStoreError: 'closed' as const } }
      const instances = await Promise.all([0, 1].map(() => startInstance(database.uri, plans)))
      const [holder, other] = instances as [Instance, Instance]
      // Not where a day ends in between.
      const dayOf = (at: number) => Math.floor((at + 60_000) / 86_400_000)
      const shown = Date.now() + seconds * 1_000
      const isOtherDay = dayOf(shown) !== dayOf(Date.now())
      await setClock(other, isOtherDay ? Date.now() - seconds * 1_000 : shown)
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
