import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../src/clock.js'
import { ledgerDoor } from '../../../src/ledger/door.js'
import { createStore } from '../../../src/store/store.js'
import { typescriptArgs } from '../../helpers/children.js'
import { freshDatabase } from '../../helpers/mongo.js'
import { database, filesIn, freshDir, openLedger, removeDirs, until } from './support.js'

/** A short form runs with every test; `CRASH_RUNS=100` kills for an hour. */
const runs = Number(process.env.CRASH_RUNS ?? 4)
const script = fileURLToPath(new URL('crash-child.ts', import.meta.url))

/** What a process said before it was killed: ids by what was certain of them. */
interface Said {
  readonly stored: Set<string>
  readonly begun: Set<string>
  readonly cancelled: Set<string>
}

/** Runs a process, kills it at some moment, adds what it has said. */
async function runAndKill(args: readonly string[], said: Said): Promise<void> {
  const child = spawn(process.execPath, [...typescriptArgs, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  const began = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      resolve()
    })
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await Promise.race([began, ended])
  await sleep(50 + Math.random() * 1_200)
  child.kill('SIGKILL')
  await ended
  // The last line may have been cut.
  for (const line of text.split('\n').slice(0, -1)) {
    const [what, id = ''] = line.split(' ')
    if (what === 'd') said.stored.add(id)
    if (what === 's') said.begun.add(id)
    if (what === 'c') said.cancelled.add(id)
  }
}

describe(`${runs} processes that are killed while they accept and send events`, function () {
  this.timeout(60_000 + runs * 20_000)
  const modes = ['interval', 'strict'] as const
  let killed: ReturnType<typeof killAll>[]
  before(() => (killed = modes.map(killAll)))
  after(removeDirs)

  async function killAll(fsync: (typeof modes)[number]) {
    const dir = await freshDir()
    const fresh = await freshDatabase()
    const said: Said = { stored: new Set(), begun: new Set(), cancelled: new Set() }
    for (let run = 0; run < runs; run += 2) {
      // Two at a time, which race for what those before them have left.
      const both = [run, run + 1].map((n) => runAndKill([fresh.uri, dir, `r${n}`, fsync], said))
      await Promise.all(both)
    }
    return { dir, fresh, said }
  }

  for (const [index, fsync] of modes.entries()) {
    it(`lose nothing that was on disk, and count nothing twice (fsync ${fsync})`, async () => {
      const { dir, fresh, said } = await (killed[index] ?? assert.fail())
      const store = createStore(fresh.connection, systemClock)
      const ledger = openLedger(ledgerDoor(store), { dir })
      await ledger.takeOver(database)
      // What stays is its own: who it is, and a file to write to.
      const isDrained = () => ledger.stats().bytes === 0
      await until(async () => isDrained() && (await filesIn(dir)).length === 2, 30_000)
      assert.equal(ledger.depth, 0)
      await ledger.close()
      const found = await fresh.connection
        .collection<{ _id: string; status: string }>('usage_logs')
        .find({}, { projection: { status: 1 } })
        .toArray()
      const statuses = new Map(found.map(({ _id, status }) => [_id, status]))
      assert.ok(said.stored.size > runs * 100, `only ${said.stored.size} events`)
      for (const id of said.stored) assert.equal(statuses.get(id), 'ok', id)
      for (const id of said.cancelled) assert.equal(statuses.get(id), undefined, id)
      const open = [...said.begun].filter((id) => Number(id.split('-s')[1]) % 3 === 0)
      assert.ok(open.length > 0)
      for (const id of open) assert.equal(statuses.get(id), 'aborted', id)
      assert.deepEqual(await filesIn(dir), [])
      assert.equal(ledger.stats().damaged, 0)
      await fresh.drop()
    })
  }
})
