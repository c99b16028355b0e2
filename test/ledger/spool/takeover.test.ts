import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/clock.js'
import { WriterDirectory } from '../../../src/ledger/spool/directory.js'
import { realFiles } from '../../../src/ledger/spool/files.js'
import type { Owner } from '../../../src/ledger/spool/owner.js'
import { Takeover } from '../../../src/ledger/spool/takeover.js'
import {
  database,
  deadPid,
  event,
  FakeLog,
  filesIn,
  freshDir,
  leaveBehind,
  openLedger,
  removeDirs,
  segmentsIn,
  setOwner,
  until,
} from './support.js'

const name = await database()
describe('taking over what a process has left', () => {
  let dir: string
  beforeEach(async () => (dir = await freshDir()))
  after(removeDirs)

  /** Leaves so many events behind, as if the process had been killed. */
  const leave = (count: number, owner?: Partial<Owner>) => {
    const events = Array.from({ length: count }, (_, index) => event(`e${index}`))
    return leaveBehind(dir, events, owner)
  }

  async function taker(clock = systemClock) {
    const mine = new WriterDirectory(realFiles, dir)
    await mine.open(false)
    const takeover = new Takeover(realFiles, clock, mine)
    const scan = async (wanted = name) => {
      const taken: string[] = []
      for await (const one of takeover.scan(wanted)) taken.push(one)
      return taken
    }
    return { mine, scan }
  }

  it('is for the dead only: by pid, and by start time where a pid is used again', async () => {
    const left = await leave(3, {})
    const { scan } = await taker()
    assert.deepEqual(await scan(), [])
    await setOwner(dir, left, { started: '12345' })
    assert.equal((await scan()).length, 1)
  })

  it('goes by silence where the process is of another machine', async () => {
    let elapsed = 0
    const clock = { now: () => Date.now(), elapsed: () => elapsed }
    const left = await leave(3, { host: `${hostname()}-2`, pid: deadPid })
    const { scan } = await taker(clock)
    assert.deepEqual(await scan(), [])
    elapsed += 29_000
    assert.deepEqual(await scan(), [])
    const heard = new Date()
    await utimes(join(dir, left, 'owner.json'), heard, heard)
    elapsed += 29_000
    assert.deepEqual(await scan(), [], 'it has been heard since')
    elapsed += 30_001
    assert.equal((await scan()).length, 1)
  })

  it('leaves alone what waits for another database', async () => {
    await leave(3)
    const { scan } = await taker()
    assert.deepEqual(await scan('another'), [])
    assert.equal((await scan()).length, 1)
  })

  it('gives each directory to one of many that want it', async () => {
    for (let round = 0; round < 20; round++) {
      await leave(2)
      const takers = await Promise.all(Array.from({ length: 6 }, () => taker()))
      const taken = await Promise.all(takers.map(({ scan }) => scan()))
      assert.equal(taken.flat().length, 1)
      assert.equal((await segmentsIn(dir)).length, 1)
      for (const { mine } of takers) await realFiles.rm(mine.path, { recursive: true })
    }
  })

  it('sends each event once when several ledgers race for it', async () => {
    await leave(5_000)
    const logs = Array.from({ length: 4 }, () => new FakeLog())
    const ledgers = logs.map((log) => openLedger(log, { dir }))
    await Promise.all(ledgers.map((ledger) => ledger.takeOver(database)))
    await until(async () => (await segmentsIn(dir)).length === 0)
    const sent = logs.map((log) => log.events.size)
    assert.deepEqual(
      sent.toSorted((a, b) => a - b),
      [0, 0, 0, 5_000],
    )
    await Promise.all(ledgers.map((ledger) => ledger.close()))
    assert.deepEqual(await filesIn(dir), [])
  })

  it('includes what the dead had taken over themselves', async () => {
    const first = await leave(10)
    const heir = await taker()
    await heir.scan()
    const inner = await readdir(join(heir.mine.path, 'adopted'))
    assert.deepEqual(inner, [first])
    await setOwner(dir, heir.mine.name, { pid: deadPid, database: name })
    const log = new FakeLog()
    const ledger = openLedger(log, { dir })
    await ledger.takeOver(database)
    // What stays is its own: who it is, and a file to write to.
    await until(async () => (await filesIn(dir)).length === 2)
    assert.equal(log.events.size, 10)
    await ledger.close()
    assert.deepEqual(await filesIn(dir), [])
  })

  it('shows at once how much there is', async () => {
    await leave(700)
    const log = new FakeLog()
    log.isDown = true
    const ledger = openLedger(log, { dir })
    await ledger.takeOver(database)
    assert.equal(ledger.depth, 700)
    assert.ok(ledger.stats().bytes > 70_000)
    await ledger.close()
    assert.equal(ledger.depth, 700)
  })

  it('quarantines damage, counts it, and sends the rest', async () => {
    const left = await leave(100)
    const [segment = ''] = await segmentsIn(dir)
    const path = join(dir, segment)
    const bytes = await readFile(path)
    bytes.fill(0x55, 1_000, 1_100)
    await writeFile(path, Buffer.concat([bytes, Buffer.from('torn')]))
    await writeFile(join(dir, left, '000002-1767225600000.log'), 'garbage, and nothing else')
    const log = new FakeLog()
    const ledger = openLedger(log, { dir })
    await ledger.takeOver(database)
    await until(() => log.events.size >= 98)
    await until(async () => (await segmentsIn(dir)).length === 0)
    assert.equal(ledger.stats().damaged, 3)
    assert.equal(ledger.depth, 0)
    await ledger.close()
    const files = await filesIn(dir)
    assert.equal(files.length, 3)
    assert.ok(files.every((file) => file.startsWith('quarantine/')))
  })

  it('takes what an unreadable owner file belongs to once it has been silent', async () => {
    const left = await leave(1)
    await writeFile(join(dir, left, 'owner.json'), '{"pid": ')
    let elapsed = 0
    const { scan } = await taker({ now: () => Date.now(), elapsed: () => elapsed })
    assert.deepEqual(await scan(), [])
    elapsed += 30_000
    assert.equal((await scan()).length, 1)
  })

  it('makes events of operations that had begun and not ended', async () => {
    const log = new FakeLog()
    log.isDown = true
    const first = openLedger(log, { dir })
    await first.takeOver(database)
    const begin = (id: string) =>
      first.begin(id, () => ({
        ...{ _id: id, user_id: 'carol', org_id: 'acme', tier: 'pro', endpoint: '/ai/chat' },
        ...{ operation_type: 'chat', timestamp: new Date(1_767_225_600_000) },
      }))
    const [, ended, cancelled] = ['died', 'ended', 'cancelled'].map(begin)
    await first.noteBegun()
    await until(() => first.stats().bytes > 0)
    first.accept(event('ended'), ended)
    cancelled?.cancel()
    await first.durable()
    await first.close()
    const found = new FakeLog()
    const second = openLedger(found, { dir })
    await second.takeOver(database)
    await until(async () => (await segmentsIn(dir)).length === 0)
    assert.deepEqual([...found.events.keys()].sort(), ['died', 'ended'])
    const { recorded_at: _, late: __, ...died } = found.events.get('died') ?? assert.fail()
    assert.deepEqual(died, {
      ...{ _id: 'died', user_id: 'carol', org_id: 'acme', tier: 'pro', endpoint: '/ai/chat' },
      ...{ operation_type: 'chat', timestamp: new Date(1_767_225_600_000) },
      ...{ input_tokens: 0, output_tokens: 0, tokens_used: 0, token_source: 'none' },
      ...{ cost_nano_usd: null, success: false, status: 'aborted', error_type: 'process_died' },
      ...{ stream: false, attempts: 1 },
    })
    await second.close()
    assert.deepEqual(await filesIn(dir), [])
  })

  it('is told of an operation from the moment in which it begins', async () => {
    const ledger = openLedger(new FakeLog(), { dir })
    await ledger.takeOver(database)
    const facts = { user_id: 'carol', tier: 'pro', endpoint: '/ai/chat', operation_type: 'chat' }
    await until(() => ledger.stats().durability !== 'memory')
    await ledger.durable()
    await sleep(20)
    const running = ledger.begin('quick', () => ({ _id: 'quick', ...facts, timestamp: new Date() }))
    assert.equal(ledger.noteBegun(), undefined)
    const [writer = ''] = readdirSync(dir)
    const names = readdirSync(join(dir, writer)).filter((one) => one.endsWith('.log'))
    assert.match(readFileSync(join(dir, writer, names[0] ?? ''), 'utf8'), /"_id":"quick"/)
    running?.cancel()
    await ledger.close()
    assert.deepEqual(await filesIn(dir), [])
  })
})
