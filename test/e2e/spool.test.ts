import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import express from 'express'
import { createUsage, type UsageEvent } from '../../src/index.js'
import { bearer, secret, startApp } from '../helpers/app.js'
import { typescriptArgs } from '../helpers/children.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'
import { quiet } from '../helpers/quiet.js'
import { until } from '../helpers/until.js'

const script = fileURLToPath(new URL('spool-child.ts', import.meta.url))

interface Health {
  status: string
  spool: { depth: number; oldest_ms: number; durability: string }
}

/** All that stands in the segments of a spool. */
function spooledText(dir: string): string {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  const segments = names.filter((name) => name.endsWith('.log'))
  return segments.map((name) => readFileSync(join(dir, name), 'latin1')).join('')
}

describe('an app whose process is killed', function () {
  this.timeout(60_000)
  let database: FreshDatabase
  let dir: string
  let child: ChildProcess
  let url: string
  before(async () => {
    database = await freshDatabase()
    dir = await mkdtemp(join(tmpdir(), 'spool-e2e-'))
    await startChild()
  })
  const startChild = async () => {
    const args = [...typescriptArgs, script, database.uri, dir, secret]
    child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [chunk] = (await once(child.stdout ?? child, 'data')) as [Buffer]
    url = chunk.toString().trim()
  }
  after(async () => {
    const ended = once(child, 'exit')
    if (child.kill('SIGKILL')) await ended
    await database.drop()
    await rm(dir, { recursive: true, force: true })
  })

  it('loses neither what has ended nor that something ran', async () => {
    const call = (path: string, user: string) =>
      fetch(url + path, { method: 'POST', headers: bearer(user, { tier: 'pro', org: 'acme' }) })
    await Promise.all(Array.from({ length: 20 }, () => call('/ai/chat', 'alice')))
    // What follows an answer is done in slices of some turns: of many at once, figures come a little later.
    await until(() => spooledText(dir).split('"status":"ok"').length > 20)
    const hanging = call('/ai/qa', 'bob').catch(() => undefined)
    await until(() => spooledText(dir).includes('"user_id":"bob"'))
    child.kill('SIGKILL')
    await hanging
    const logs = database.connection.collection<UsageEvent>('usage_logs')
    assert.ok((await logs.countDocuments()) < 20, 'killed before it could write')

    const next = createUsage({
      connection: database.connection,
      auth: { secret, algorithms: ['HS256'] },
      spool: { dir },
      logger: quiet,
    })
    const end = performance.now() + 5_000
    while ((await logs.countDocuments()) < 21 && performance.now() < end) await sleep(20)
    const found = await logs.find().toArray()
    assert.equal(
      found.filter(({ user_id, status }) => user_id === 'alice' && status === 'ok').length,
      20,
    )
    const [died] = found.filter(({ user_id }) => user_id === 'bob')
    assert.deepEqual(
      [died?.status, died?.success, died?.error_type, died?.tier, died?.org_id, died?.endpoint],
      ['aborted', false, 'process_died', 'pro', 'acme', '/ai/qa'],
    )
    assert.deepEqual(await next.close(), { flushed: true, left_in_spool: 0 })
    assert.deepEqual(await readdir(dir), [])
  })

  it('knows of an answer that it ran, however soon the end comes, and what it used from then on', async () => {
    const died = { status: 'aborted', tokens_used: 0, error_type: 'process_died' }
    const done = { status: 'ok', tokens_used: 7, error_type: undefined }
    for (const [at, expected] of [
      ['once', died],
      ['end', done],
    ] as const) {
      await startChild()
      const ended = once(child, 'exit')
      // The first one of a process waits for the prices to be loaded.
      await fetch(`${url}/ai/chat`, { method: 'POST', headers: bearer('first') })
      await sleep(300)
      const headers = bearer(`dying-${at}`)
      const answer = await fetch(`${url}/ai/mindmap?at=${at}`, { method: 'POST', headers })
      assert.match(await answer.text(), /completion_tokens/)
      await ended
      const next = createUsage({
        ...{ connection: database.connection, spool: { dir }, logger: quiet },
        auth: { secret, algorithms: ['HS256'] },
      })
      const logs = database.connection.collection<UsageEvent>('usage_logs')
      const find = () => logs.find({ user_id: `dying-${at}` }).toArray()
      await until(async () => (await find()).length > 0, 10_000)
      const [found, ...more] = await find()
      assert.equal(more.length, 0)
      const { status, tokens_used, error_type } = found ?? assert.fail()
      assert.deepEqual({ status, tokens_used, error_type }, expected)
      await next.close()
    }
  })
})

describe('an app with a spool', () => {
  it('tells in /health what events survive, and keeps those of record as it says', async () => {
    for (const [fsync, durability] of [
      ['interval', 'disk_interval'],
      ['strict', 'disk_strict'],
      ['off', 'disk'],
    ] as const) {
      const dir = await mkdtemp(join(tmpdir(), 'spool-e2e-'))
      const app = await startApp(() => undefined, { spool: { dir, fsync } })
      const sent = await app.usage.record({ user_id: 'alice', operation_type: 'chat' })
      assert.equal(sent.outcome, 'accepted')
      const health = (await (await fetch(`${app.url}/health`)).json()) as Health
      assert.equal(health.spool.durability, durability)
      await app.close()
      assert.deepEqual(await readdir(dir), [])
      await rm(dir, { recursive: true })
    }
  })

  for (const fsync of ['interval', 'strict'] as const) {
    it(`notes all requests that come in one turn before the handler of the first begins (fsync ${fsync})`, async () => {
      const dir = await mkdtemp(join(tmpdir(), 'spool-e2e-'))
      const users = ['ann', 'ben', 'cyd', 'dan']
      const noted: string[] = []
      const contexts: unknown[] = []
      const storage = new AsyncLocalStorage<string>()
      const app = await startApp(
        (host) => {
          host.post('/ai/chat', (_req, res) => {
            contexts.push(storage.getStore())
            const text = spooledText(dir)
            noted.push(users.filter((user) => text.includes(`"user_id":"${user}"`)).join())
            res.json({})
          })
        },
        {
          spool: { dir, fsync },
          identify: (req) => {
            const user_id = req.headers['x-user'] as string
            storage.enterWith(user_id)
            return { user_id }
          },
        },
      )
      await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: { 'x-user': 'first' } })
      await sleep(50)
      const requests = users.map(
        (user) =>
          `POST /ai/chat HTTP/1.1\r\nHost: x\r\nX-User: ${user}\r\nContent-Length: 0\r\n\r\n`,
      )
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1')
      socket.write(requests.join(''))
      await until(() => noted.length === 5)
      socket.destroy()
      assert.deepEqual(
        noted.slice(1),
        users.map(() => users.join()),
      )
      assert.deepEqual(contexts.slice(1), users, 'each in the async context of its own')
      await app.close()
      await rm(dir, { recursive: true })
    })
  }

  it('works without one, and is degraded where it should have one', async () => {
    const app = await startApp((host) => host.post('/ai/chat', (_req, res) => res.json({})), {
      spool: { dir: '/proc/spool' },
    })
    await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('alice') })
    await app.usage.flush()
    const health = (await (await fetch(`${app.url}/health`)).json()) as Health
    assert.deepEqual([health.status, health.spool.durability], ['degraded', 'memory'])
    await app.close()
    const without = await startApp(() => undefined, { spool: false })
    const other = (await (await fetch(`${without.url}/health`)).json()) as Health
    assert.deepEqual([other.status, other.spool.durability], ['ok', 'memory'])
    await without.close()
  })

  it('forgets that a request ran which was none of ours', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'spool-e2e-'))
    const app = await startApp(
      (host) => {
        const slow = express.Router()
        slow.get('/me', (_req, res) => setTimeout(() => res.json({}), 50))
        host.use('/other', slow)
      },
      { spool: { dir }, operations: [{ path: '/ai/usage/me', type: 'me', methods: ['GET'] }] },
    )
    await app.as('alice', '/me')
    await app.close()
    assert.deepEqual(await readdir(dir), [])
    await rm(dir, { recursive: true })
  })
})
