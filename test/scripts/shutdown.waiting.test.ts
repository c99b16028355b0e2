import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { typescriptArgs } from '../helpers/children.js'
import { createUsage, type UsageEvent } from '../../src/index.js'
import { bearer, secret } from '../helpers/app.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { lagMeter } from '../helpers/lag.js'
import { quiet } from '../helpers/quiet.js'
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.js'
import { until } from '../helpers/until.js'

const script = fileURLToPath(new URL('../../scripts/serve.ts', import.meta.url))
const streams = 200

describe('npm start, when it is told to end', function () {
  this.timeout(150_000)
  let database: FreshDatabase
  let proxy: TcpProxy
  let cwd: string
  let child: ChildProcess
  let url: string

  beforeEach(async () => {
    database = await freshDatabase()
    proxy = await startTcpProxy(Number(new URL(database.uri).port))
    cwd = await mkdtemp(join(tmpdir(), 'shutdown-'))
  })
  afterEach(async () => {
    child.kill('SIGKILL')
    proxy.mend()
    await proxy.close()
    await database.drop()
    await rm(cwd, { recursive: true, force: true })
  })

  /** A server that ends in so many ms at most. */
  async function start(deadlineMs: number): Promise<void> {
    const { PATH = '', HOME = '' } = process.env
    // Writing down what was covered would take longer than it may take to end.
    const quick = { NODE_V8_COVERAGE: '' }
    const uri = `mongodb://127.0.0.1:${proxy.port}/${database.name}?directConnection=true`
    const settings = { MONGODB_URI: uri, JWT_SECRET: secret, SHUTDOWN_MS: String(deadlineMs) }
    child = spawn(process.execPath, [...typescriptArgs, script], {
      ...{ cwd, env: { PATH, HOME, PORT: '0', ...settings, ...quick } },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until(() => /listens on (\S+)/.test(said), 90_000)
    url = /listens on (\S+)/.exec(said)?.[1] ?? assert.fail()
  }

  /** Streams that have begun; each resolves with whether it came to its end. */
  async function openStreams(
    count: number,
    user: string,
    { tokens = 60 }: { tokens?: number } = {},
  ) {
    const body = JSON.stringify({ message: 'Where to in May?', max_tokens: tokens })
    const begun = Array.from({ length: count }, async () => {
      const response = await fetch(`${url}/ai/chat/stream`, {
        ...{ method: 'POST', body },
        headers: { ...bearer(user, { tier: 'enterprise' }), ...json },
      })
      const text = response.text().then(
        (whole) => /\[DONE\]|"usage"/.test(whole),
        () => false,
      )
      return { status: response.status, text }
    })
    return Promise.all(begun)
  }

  /** Requests without an answer, once the server has begun with all of them. */
  async function hang(count: number, user: string): Promise<void> {
    const body = JSON.stringify({ message: 'Where to in May?' })
    const headers = { ...bearer(user, { tier: 'enterprise' }), ...hangs, ...json }
    const begun = Array.from({ length: count }, async () => {
      const sent = request(`${url}/ai/chat/stream`, {
        ...{ method: 'POST', agent: false },
        headers: { ...headers, expect: '100-continue', 'content-length': body.length },
      })
      sent.on('error', () => undefined)
      await once(sent, 'continue')
      sent.end(body)
    })
    await Promise.all(begun)
  }

  /** How it ends, and how long that takes. */
  async function end(signals: readonly NodeJS.Signals[]) {
    const ended = once(child, 'exit')
    let began = performance.now()
    for (const [index, signal] of signals.entries()) {
      if (index > 0) await sleep(100)
      began = performance.now()
      child.kill(signal)
    }
    const [code] = (await ended) as [number | null]
    return { code, tookMs: performance.now() - began }
  }

  const logged = async (user_id: string) => {
    const logs = database.connection.collection<UsageEvent>('usage_logs')
    const found = await logs.find({ user_id }).toArray()
    return found.map(({ status }) => status).sort()
  }

  /** What whoever comes next finds in the spool. */
  async function takeOver(isDone: () => Promise<boolean>): Promise<void> {
    const next = createUsage({
      ...{ connection: database.connection, spool: { dir: join(cwd, 'data/spool') } },
      ...{ auth: { secret, algorithms: ['HS256'] }, logger: quiet },
    })
    await next.ready()
    await until(isDone, 15_000)
    await next.close()
  }

  it(`lets ${streams} streams end, stores all, and says that all is well`, async () => {
    await start(15_000)
    const open = await openStreams(streams, 'alice')
    assert.ok(open.every(({ status }) => status === 200))
    const { code } = await end(['SIGTERM'])
    const ends = await Promise.all(open.map(({ text }) => text))
    assert.equal(ends.filter(Boolean).length, streams)
    assert.equal(code, 0)
    assert.deepEqual(await logged('alice'), Array(streams).fill('ok'))
  })

  it('cuts off at the deadline what does not end, and records it as aborted', async () => {
    await start(3_000)
    await hang(40, 'bob')
    const { code, tookMs } = await end(['SIGTERM'])
    assert.ok(tookMs < 4_000, `${tookMs} ms`)
    assert.equal(code, 0)
    // What could not be counted in time is recorded by the next one.
    await takeOver(async () => (await logged('bob')).length >= 40)
    assert.deepEqual(await logged('bob'), Array(40).fill('aborted'))
  })

  it('ends at the deadline while MongoDB hangs; the next one stores what was known, once', async () => {
    await start(3_000)
    await openStreams(1, 'first', short).then(([one]) => one?.text)
    proxy.swallow()
    const done = await openStreams(20, 'carol', short)
    await hang(20, 'dave')
    await Promise.all(done.map(({ text }) => text))
    const { tookMs } = await end(['SIGTERM'])
    assert.ok(tookMs < 5_000, `${tookMs} ms`)
    proxy.mend()
    await takeOver(async () => (await logged('carol')).length + (await logged('dave')).length >= 40)
    assert.deepEqual(await logged('carol'), Array(20).fill('ok'))
    assert.deepEqual(await logged('dave'), Array(20).fill('aborted'))
  })

  for (const [second, count] of [
    ['SIGTERM', streams],
    ['SIGINT', 20],
  ] as const) {
    it(`ends at once by a second signal, ${second}, and loses nothing`, async () => {
      await start(15_000)
      await openStreams(1, 'first', short).then(([one]) => one?.text)
      proxy.swallow()
      const done = await openStreams(20, 'erin', short)
      await Promise.all(done.map(({ text }) => text))
      const running = await openStreams(count, 'frank')
      const lag = lagMeter()
      const { code, tookMs } = await end(['SIGTERM', second])
      lag.stop()
      // 200 ms, and what a busy machine takes to get to the signal amid all streams.
      assert.ok(tookMs < 400 + 3 * lag.ms, `${tookMs} ms`)
      assert.notEqual(code, 0)
      proxy.mend()
      await takeOver(async () => (await logged('frank')).length >= count)
      assert.deepEqual(await logged('erin'), Array(20).fill('ok'))
      const ends = (await Promise.all(running.map(({ text }) => text))).filter(Boolean).length
      const found = await logged('frank')
      assert.equal(found.length, count)
      assert.ok(found.filter((status) => status === 'ok').length <= ends)
    })
  }
})

const hangs = { 'x-simulator-fault': 'hang' }
const short = { tokens: 4 }
const json = { 'content-type': 'application/json' }
