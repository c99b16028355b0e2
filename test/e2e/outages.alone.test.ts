import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import express, { type RequestHandler } from 'express'
import mongoose from 'mongoose'
import { createUsage, type Usage, type UsageEvent } from '../../src/index.js'
import { systemClock } from '../../src/clock.js'
import { rollUp } from '../../src/rollup/roller.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { createStore } from '../../src/store/store.js'
import { dayMs, floorTo, hourMs } from '../../src/time.js'
import { listen } from '../helpers/app.js'
import { lagMeter } from '../helpers/lag.js'
import { startOwnMongod, type OwnMongod } from '../helpers/own-mongod.js'
import { quiet } from '../helpers/quiet.js'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.js'
import { until } from '../helpers/until.js'

interface Host {
  readonly url: URL
  readonly usage: Usage
  readonly dir: string
  close(): Promise<{ flushed: boolean; left_in_spool: number }>
}

interface Heard {
  readonly status: string
  readonly raw: string
  readonly tookMs: number
}

/** The lower quartile: what a wait costs that all have, on a machine that does other work too. */
const usual = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 2] ?? NaN

describe('what clients hear of a MongoDB that is away', function () {
  this.timeout(60_000)
  let mongod: OwnMongod
  let proxy: TcpProxy
  let bare: URL
  const clock = {
    skipped: 0,
    now: () => Date.now() + clock.skipped,
    elapsed: () => performance.now() + clock.skipped,
  }
  const ends: (() => unknown)[] = []
  const lag = lagMeter()

  before(async () => {
    mongod = await startOwnMongod()
    proxy = await startTcpProxy(mongod.port)
    bare = await serve((_req, _res, next) => next())
  })
  after(async () => {
    proxy.mend()
    mongod.thaw()
    for (const end of ends) await end()
    lag.stop()
    await proxy.close()
    await mongod.stop()
  })

  afterEach(() => {
    proxy.mend()
    mongod.thaw()
  })

  async function serve(track: RequestHandler): Promise<URL> {
    const app = express()
    app.use(track)
    app.post('/ai/chat', (_req, res) => {
      res
        .set('x-own', 'yes')
        .json({ model: 'm', usage: { prompt_tokens: 60, completion_tokens: 40 } })
    })
    app.post('/ai/chat/stream', (_req, res) => {
      res.type('text/event-stream').write('data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
      const usage = { prompt_tokens: 60, completion_tokens: 40 }
      setImmediate(() => res.end(`data: ${JSON.stringify({ choices: [], model: 'm', usage })}\n\n`))
    })
    const server = createServer(app)
    ends.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return new URL(await listen(server))
  }

  async function start(database: string): Promise<Host> {
    const dir = await mkdtemp(join(tmpdir(), 'outages-'))
    ends.push(() => rm(dir, { recursive: true, force: true }))
    // Of no day: the clock is put forward by an hour, which may be past midnight.
    const limits = [
      { name: 'all', metric: 'tokens', window: 'lifetime', limit: 1_000_000 },
    ] as const
    const usage = createUsage({
      mongoUri: `mongodb://127.0.0.1:${proxy.port}/${database}?directConnection=true`,
      identify: ({ query: { user } }) =>
        typeof user === 'string' ? { user_id: user, tier: user } : undefined,
      plans: {
        open: { limits, onStoreError: 'open' },
        closed: { limits, onStoreError: 'closed' },
        unlimited: { limits: [] },
      },
      ...{ spool: { dir }, rollup: { enabled: false }, pricing: { catalogue: false } },
      ...{ clock, logger: quiet },
    })
    const url = await serve(usage.track())
    ends.push(() => usage.close({ deadlineMs: 500 }))
    return { url, usage, dir, close: () => usage.close() }
  }

  /** All bytes of an answer, but for the date. */
  async function ask({ port }: URL, user: string, path = '/ai/chat'): Promise<Heard> {
    const socket = connect(Number(port), '127.0.0.1')
    const [began, lagBefore] = [performance.now(), lag.ms]
    let raw = ''
    socket.on('data', (bytes: Buffer) => (raw += bytes.toString('latin1')))
    const head = ['Host: h', 'Connection: close', 'Content-Length: 0']
    socket.write(`POST ${path}?user=${user} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`)
    await once(socket, 'close')
    const tookMs = performance.now() - began - (lag.ms - lagBefore)
    return { status: raw.slice(9, 12), raw: raw.replace(/^Date: .*\r\n/m, ''), tookMs }
  }

  const marked = 'X-Usage-Degraded: 1\r\n'

  /** What a host's clients hear while the store is away, and how long they wait for it. */
  async function suffer({ url }: Host): Promise<void> {
    const expected = {
      '/ai/chat': await ask(bare, 'open'),
      '/ai/chat/stream': await ask(bare, 'open', '/ai/chat/stream'),
    }
    const first = await ask(url, 'closed')
    assert.equal(first.status, '503')
    assert.ok(first.tookMs < 400, `the first was told after ${first.tookMs} ms`)
    const took: number[] = []
    const unmetered: number[] = []
    for (let round = 0; round < 15; round++) {
      for (const path of ['/ai/chat', '/ai/chat/stream'] as const) {
        const open = await ask(url, 'open', path)
        assert.ok(open.raw.includes(marked), open.raw)
        assert.equal(open.raw.replace(marked, ''), expected[path].raw)
        const unlimited = await ask(url, 'unlimited', path)
        assert.equal(unlimited.raw, expected[path].raw)
        const closed = await ask(url, 'closed', path)
        assert.equal(closed.status, '503')
        assert.match(closed.raw, /^retry-after: \d+\r$/im)
        assert.match(closed.raw, /"code":"store_unavailable"/)
        took.push(open.tookMs, unlimited.tookMs, closed.tookMs)
        unmetered.push((await ask(bare, 'open', path)).tookMs)
      }
    }
    // One a second looks whether the store is back, and waits 250 ms for it at most.
    const longest = Math.max(...took)
    assert.ok(longest < 400, `somebody waited ${longest} ms`)
    const looked = took.filter((ms) => ms > 200)
    const lastedMs = [...took, ...unmetered].reduce((sum, ms) => sum + ms, 0)
    assert.ok(looked.length <= 2 + lastedMs / 1_000, `${looked.length} have waited`)
    const addedMs = usual(took) - usual(unmetered)
    assert.ok(addedMs < 5, `they waited ${addedMs} ms longer than without us`)
  }

  /** Everything that was served is in the log once, with its tokens, and the rollups agree. */
  async function isComplete(database: string, host: Host, served: number): Promise<void> {
    await host.usage.flush()
    const direct = `mongodb://127.0.0.1:${mongod.port}/${database}?directConnection=true`
    const connection = await mongoose.createConnection(direct).asPromise()
    const logs = connection.collection<UsageEvent>('usage_logs')
    const count = (user_id: string, status: UsageEvent['status'], tokens_used: number) =>
      logs.countDocuments({ user_id, status, tokens_used })
    assert.equal(await count('open', 'ok', 100), served)
    assert.equal(await count('unlimited', 'ok', 100), served)
    const store = createStore(connection, systemClock)
    await rollUp(store)
    for (const day of [0, 1].map((ahead) => floorTo(Date.now(), dayMs) + ahead * dayMs))
      assert.deepEqual((await verifyDay(store, day)).differences, [])
    const [counter] = await store.counters.states(['user:open'])
    await connection.close()
    const [counted] = (counter?.parts ?? []).filter(({ k }) => k === 'lifetime')
    assert.equal(counted?.ut, served * 100)
    assert.deepEqual(await host.close(), { flushed: true, left_in_spool: 0 })
    assert.deepEqual(await readdir(host.dir), [])
  }

  const isWell = (host: Host) =>
    until(async () => {
      clock.skipped += 1_000
      const { raw, status } = await ask(host.url, 'probe')
      return status === '200' && !raw.includes(marked) && (await isHeld(host))
    }, 20_000)
  const isHeld = async ({ url }: Host) => (await ask(url, 'closed')).status === '200'

  it('is nothing but the mark, or 503 where the plan says so, when it is down at the start', async () => {
    proxy.cut()
    const host = await start('start')
    await suffer(host)
    await assert.rejects(host.usage.ready())
    proxy.mend()
    const isReady = () =>
      host.usage.ready().then(
        () => true,
        () => false,
      )
    await until(isReady, 15_000)
    await isWell(host)
    await isComplete('start', host, 30)
  })

  it('is the same when it is down for an hour', async () => {
    const host = await start('hour')
    await host.usage.ready()
    proxy.cut()
    await suffer(host)
    clock.skipped += hourMs
    await suffer(host)
    proxy.mend()
    await isWell(host)
    await isComplete('hour', host, 60)
  })

  it('is the same when it hangs', async () => {
    const host = await start('hung')
    await host.usage.ready()
    mongod.freeze()
    await suffer(host)
    const began = performance.now()
    for (let count = 0; count < 10; count++) {
      const event = { id: `hung-${count}`, user_id: 'recorded', operation_type: 'chat' }
      await host.usage.record({ ...event, input_tokens: 1, output_tokens: 1 })
    }
    assert.ok(performance.now() - began < 2_000, 'record() waits more than once')
    mongod.thaw()
    await isWell(host)
    await isComplete('hung', host, 30)
  })

  it('is the same when it is slow by two seconds', async () => {
    const host = await start('slow')
    await host.usage.ready()
    proxy.delay(2_000)
    await suffer(host)
    proxy.mend()
    await isWell(host)
    await isComplete('slow', host, 30)
  })
})
