import { createServer } from 'node:http'
import express from 'express'
import mongoose from 'mongoose'
import { createUsage, type UsageEvent } from '../../src/index.js'
import type { CounterDoc } from '../../models/counter.js'
import { bearer, listen, secret } from '../helpers/app.js'
import { lagMeter } from '../helpers/lag.js'
import { startOwnMongod } from '../helpers/own-mongod.js'
import { startTcpProxy } from '../helpers/tcp-proxy.js'
import { answer, plans, type Store } from './table.js'

import { quiet } from '../helpers/quiet.js'
import { until } from '../helpers/until.js'

/** What a client was told. */
export interface Told {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
  /** Without the time in which this process did not have the machine. */
  readonly tookMs: number
  /** What the app's clock showed when it was asked, epoch ms. */
  readonly at: number
}

/** A clock in the first half of a minute, so that no window ends meanwhile; its durations can be cut. */
function tableClock() {
  const intoMinute = Date.now() % 60_000
  const shift = intoMinute < 20_000 ? 0 : 60_000 - intoMinute
  let skipped = 0
  return {
    now: () => Date.now() + shift,
    elapsed: () => performance.now() + skipped,
    skip: (ms: number) => void (skipped += ms),
  }
}

export type World = Awaited<ReturnType<typeof startWorld>>

/** One app with all plans of the table, on a mongod of its own behind a network of its own. */
export async function startWorld() {
  const mongod = await startOwnMongod()
  const proxy = await startTcpProxy(mongod.port)
  const clock = tableClock()
  const usage = createUsage({
    mongoUri: `mongodb://127.0.0.1:${proxy.port}/table?directConnection=true`,
    auth: { secret, algorithms: ['HS256'] },
    plans: { ...plans, probe: { limits: [], concurrency: 1_000 }, free: { limits: [] } },
    rollup: { enabled: false },
    logger: quiet,
    clock,
  })
  await usage.ready()
  const app = express()
  let arrived = 0
  app.use((_req, _res, next) => {
    arrived += 1
    next()
  })
  app.use(usage.track())
  app.use('/ai/usage', usage.router())
  app.post('/ai/chat', (_req, res) => res.json(answer))
  const server = createServer(app)
  const url = await listen(server)

  const lag = lagMeter()
  const ask = async (user: string, tier: string): Promise<Told> => {
    const headers = bearer(user, { tier })
    const [began, at, lagBefore] = [performance.now(), clock.now(), lag.ms]
    const response = await fetch(`${url}/ai/chat`, { method: 'POST', headers })
    const body = (await response.json()) as Record<string, unknown>
    const tookMs = performance.now() - began - (lag.ms - lagBefore)
    return { status: response.status, headers: response.headers, body, tookMs, at }
  }
  const quota = async (user: string, tier: string) => {
    const headers = bearer(user, { tier })
    const response = await fetch(`${url}/ai/usage/me/quota`, { headers })
    return (await response.json()) as { limits: Record<string, unknown>[] }
  }
  const isWell = async () => {
    clock.skip(1_000)
    const { status, headers } = await ask('probe', 'probe')
    return status === 200 && !headers.has('x-usage-degraded')
  }
  /** Runs something while the store is in a state. */
  const during = async (store: Store, work: () => Promise<void>) => {
    if (store === 'down') proxy.cut()
    if (store === 'slow') proxy.delay(400)
    if (store === 'hung') mongod.freeze()
    try {
      await work()
    } finally {
      proxy.mend()
      mongod.thaw()
    }
    await until(isWell)
  }
  const stop = () => {
    server.closeAllConnections()
    server.close()
    return usage.close()
  }
  const read = async () => {
    const direct = `mongodb://127.0.0.1:${mongod.port}/table?directConnection=true`
    const connection = await mongoose.createConnection(direct).asPromise()
    const logs = await connection.collection<UsageEvent>('usage_logs').find().toArray()
    const counters = await connection.collection<CounterDoc>('usage_counters').find().toArray()
    await connection.close()
    return { logs, counters }
  }
  const close = async () => {
    mongod.thaw()
    await stop()
    lag.stop()
    await proxy.close()
    await mongod.stop()
  }
  return { clock, usage, arrived: () => arrived, ask, quota, during, stop, read, close }
}
