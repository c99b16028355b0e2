import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import mongoose from 'mongoose'
import * as z from 'zod'
import {
  startEmbeddedMongod,
  type EmbeddedMongod,
  type EmbeddedMongodOptions,
} from '../../scripts/mongod/embedded.js'
import { findMongod } from '../../scripts/mongod/find.js'
import { inspect } from '../../scripts/mongod/process.js'
import { typescriptArgs } from '../helpers/children.js'

const State = z.object({ port: z.number(), mongod_pid: z.number(), owner_pid: z.number() })

describe('the embedded mongod', function () {
  this.timeout(60_000)
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const log = { info: write, warn: write, error: write }
  const owners: ChildProcess[] = []
  let running: EmbeddedMongod[] = []
  let mongod: { path: string }
  let root: string
  let dataDir: string
  let uses = 0

  before(async () => {
    mongod = await findMongod({ env: process.env, log })
    root = await mkdtemp(join(tmpdir(), 'embedded test-'))
  })
  // One directory for all tests but those that say otherwise: each must find what the others left.
  beforeEach(() => {
    dataDir = join(root, 'data')
    lines.length = 0
  })
  afterEach(async () => {
    for (const owner of owners.splice(0)) owner.kill('SIGKILL')
    for (const server of running) await server.stop()
    running = []
  })
  after(() => rm(root, { recursive: true, force: true }))

  const start = async (options: Partial<EmbeddedMongodOptions> = {}) => {
    const server = await startEmbeddedMongod({ dataDir, log, mongod, ...options })
    running.push(server)
    return server
  }
  const state = async () =>
    State.parse(JSON.parse(await readFile(join(dataDir, 'mongod.json'), 'utf8')))
  const untilGone = async (pid: number) => {
    while (await inspect(pid)) await sleep(20)
  }
  const portOf = (uri: string) => Number(new URL(uri).port)

  /** Writes one document durably; all those written in this directory before must still be there. */
  async function useIt(uri: string): Promise<void> {
    const connection = await mongoose.createConnection(uri).asPromise()
    try {
      await connection
        .collection('uses')
        .insertOne({}, { writeConcern: { w: 'majority', journal: true } })
      uses++
      assert.equal(await connection.collection('uses').countDocuments(), uses)
      const session = await connection.startSession()
      await session.withTransaction(() => connection.collection('uses').findOne({}, { session }))
      await session.endSession()
    } finally {
      await connection.close()
    }
  }

  /** Another process that starts it. */
  async function owner(then = 'live'): Promise<{ process: ChildProcess; uri: string }> {
    const script = fileURLToPath(new URL('embedded-owner.ts', import.meta.url))
    const child = spawn(process.execPath, [...typescriptArgs, script, dataDir, then], {
      env: { ...process.env, MONGODB_BINARY: mongod.path },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    owners.push(child)
    const [uri] = (await once(child.stdout.setEncoding('utf8'), 'data')).map(String)
    return { process: child, uri: uri?.trim() ?? '' }
  }

  it('accepts transactions, and keeps data and port over a restart', async () => {
    const first = await start()
    await useIt(first.uri)
    await first.stop()
    await first.stop()
    const second = await start()
    await useIt(second.uri)
    assert.equal(second.uri, first.uri)
    assert.deepEqual(lines, [])
  })

  it('refuses a second start on the same directory, and names the process', async () => {
    const { uri } = await start()
    const { mongod_pid } = await state()
    const by = `mongod (process ${mongod_pid}, started by process ${process.pid})`
    await assert.rejects(start(), (error: Error) => error.message.includes(`in use by ${by}`))
    await useIt(uri)
  })

  it('lets one of two simultaneous starts win', async () => {
    const results = await Promise.allSettled([start(), start()])
    const failed = results.find((result) => result.status === 'rejected')
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1)
    assert.match(String(failed?.reason), /in use by mongod \(process \d+/)
  })

  it('starts again after mongod was killed, and reports the loss', async () => {
    await start()
    const { mongod_pid } = await state()
    process.kill(mongod_pid, 'SIGKILL')
    await untilGone(mongod_pid)
    await useIt((await start()).uri)
    assert.match(lines.join('\n'), /The embedded mongod ended with SIGKILL/)
  })

  it('moves to another port when a stranger has the last one', async () => {
    const first = await start()
    await first.stop()
    const stranger = createServer((socket) => socket.destroy())
    stranger.listen(portOf(first.uri), '127.0.0.1')
    await once(stranger, 'listening')
    try {
      const moved = await start()
      assert.notEqual(portOf(moved.uri), portOf(first.uri))
      await useIt(moved.uri)
      await moved.stop()
      const wanted = portOf(first.uri)
      await assert.rejects(start({ port: wanted }), new RegExp(`Port ${wanted} .* is taken`))
    } finally {
      stranger.close()
    }
  })

  it('takes the port it is told to', async () => {
    const stranger = createServer().listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    const address = stranger.address()
    assert.ok(address && typeof address === 'object')
    stranger.close()
    await once(stranger, 'close')
    const { uri } = await start({ port: address.port })
    assert.equal(portOf(uri), address.port)
    await useIt(uri)
  })

  it('is not misled by the id of another program in a stale lock', async () => {
    await (await start()).stop()
    await writeFile(join(dataDir, 'db/mongod.lock'), `${process.pid}\n`)
    await useIt((await start()).uri)
  })

  it('ends with its owner, however that ends', async function () {
    if (process.platform === 'win32') this.skip()
    const killed = await owner()
    await useIt(killed.uri)
    const first = (await state()).mongod_pid
    killed.process.kill('SIGKILL')
    await untilGone(first)
    const returned = await owner('return')
    await once(returned.process, 'exit')
    await untilGone((await state()).mongod_pid)
    await useIt((await start()).uri)
  })

  it('waits for a mongod that is just ending with its killed owner', async function () {
    if (process.platform === 'win32') this.skip()
    const killed = await owner()
    killed.process.kill('SIGKILL')
    await once(killed.process, 'exit')
    await useIt((await start()).uri)
  })

  it('ends a mongod that was left behind in spite of that', async function () {
    if (process.platform === 'win32') this.skip()
    await (await start()).stop()
    const { port } = await state()
    const options = ['--dbpath', join(dataDir, 'db'), '--port', String(port), '--replSet']
    options.push('express-ai-usage', '--fork', '--logpath', join(root, 'orphan.log'))
    await once(spawn(mongod.path, options, { stdio: 'ignore' }), 'exit')
    const orphan = Number(await readFile(join(dataDir, 'db/mongod.lock'), 'utf8'))
    const left = { port, mongod_pid: orphan, owner_pid: 99_999_999 }
    await writeFile(join(dataDir, 'mongod.json'), JSON.stringify(left))
    await useIt((await start()).uri)
    assert.equal(await inspect(orphan), undefined)
    assert.deepEqual(lines, [
      `Ending mongod (process ${orphan}), left behind by a process that is gone`,
    ])
  })

  it('says what mongod said when it cannot start, and where its log is', async () => {
    dataDir = join(root, 'broken')
    await (await start()).stop()
    await writeFile(join(dataDir, 'db/WiredTiger.turtle'), 'nonsense')
    await writeFile(join(dataDir, 'db/WiredTiger.wt'), 'nonsense')
    await assert.rejects(start(), (error: Error) => {
      assert.match(error.message, /did not start in .*broken: it ended with .*: .*WiredTiger/i)
      return error.message.endsWith(`Its log: ${join(dataDir, 'mongod.log')}`)
    })
  })

  it('says so when the program cannot be started at all', async () => {
    dataDir = join(root, 'absent')
    await assert.rejects(start({ mongod: { path: '/absent' } }), /did not start .*exit code 127/)
  })

  it('sets a long log aside', async () => {
    const logPath = join(dataDir, 'mongod.log')
    await truncate(logPath, 10_000_001)
    await start()
    assert.equal((await stat(`${logPath}.1`)).size, 10_000_001)
    assert.ok((await stat(logPath)).size < 10_000_000)
  })
})
