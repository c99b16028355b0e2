/**
 * What the spool costs: `npm run bench:spool`, and how fast a backlog drains beside fresh events:
 * `npm run bench:spool -- --drain [--events 1000000]`.
 * Start it with `--expose-gc` (the npm script does) for steady figures of memory.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { systemClock } from '../src/clock.js'
import { Epochs } from '../src/ledger/epochs.js'
import { Ledger } from '../src/ledger/ledger.js'
import { Spool } from '../src/ledger/spool/spool.js'
import type { SpoolConfig } from '../src/ledger/spool/spool-options.js'
import type { LedgerDoor } from '../src/ledger/writer.js'
import { andThen } from '../src/maybe-promise.js'
import { stopTestMongo } from '../test/helpers/mongo.js'
import { drain } from './spool-drain.js'
import { config, eventOf, logger } from './spool-parts.js'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    /** Memory is told best by a process that has done nothing else. */
    drain: { type: 'boolean', default: false },
  },
})
const total = Number(values.events)

const quantile = (sorted: Float64Array, q: number) =>
  sorted[Math.floor(q * (sorted.length - 1))] ?? NaN

async function withDir(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'spool-bench-'))
  await work(dir)
  await rm(dir, { recursive: true })
}

/** From the call to the disk: serialised, checked, gathered, written. */
async function appends(fsync: SpoolConfig['fsync'], dir: string): Promise<void> {
  const nothing = () => undefined
  const epochs = new Epochs()
  const hooks = {
    ...{ onReturned: nothing, onRecovered: nothing, onGone: nothing, onBacklog: nothing },
  }
  const quiet = { ...logger, error: () => undefined }
  const options = { config: { ...config, fsync, dir }, clock: systemClock, logger: quiet, epochs }
  const spool = new Spool({ ...options, ...hooks })
  const events = Array.from({ length: 10_000 }, (_, index) => eventOf(index))
  while (spool.durability === 'memory') await sleep(1)
  const count = 500_000
  const began = performance.now()
  for (let done = 0; done < count; done += 500) {
    for (let i = 0; i < 500; i++) {
      const event = events[(done + i) % events.length]
      // As fast as this disk takes them.
      while (event !== undefined && !spool.append(event)) await spool.written()
    }
    await turn()
  }
  await spool.settled()
  const seconds = (performance.now() - began) / 1000
  const megabytes = spool.bytes / 1024 ** 2 / seconds
  console.log(
    `appends, fsync ${fsync}: ${(count / seconds).toFixed(0)} events/s, ${megabytes.toFixed(0)} MB/s`,
  )
  await spool.close()
}

/**
 * What a request waits for at 2,000 a second: until its beginning is noted, at the end of the turn,
 * and to be accepted 5 ms later; the rest is beside it.
 */
async function latency(spool: SpoolConfig | false): Promise<void> {
  const door: LedgerDoor = {
    serverNow: () => Promise.resolve(new Date()),
    append: async () => {
      await sleep(5)
      return { outcome: 'settled', duplicates: [], refused: [] }
    },
    meetAgain: () => Promise.resolve(),
    restamp: () => Promise.resolve(),
    sighted: () => Promise.resolve(),
    horizon: () => Promise.resolve(new Date(0)),
    withdraw: () => Promise.resolve(),
  }
  const limits = { maxEvents: 100_000, batchSize: 500, lingerMs: 50, onWritten: () => undefined }
  const ledger = new Ledger({ door, clock: systemClock, logger, ...limits, spool })
  await sleep(200)
  const count = 20_000
  const took = new Float64Array(count)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  for (let index = 0; index < count;) {
    const due = Math.min(count, Math.floor((performance.now() - began) * 2))
    for (; index < due; index++) begin(index)
    await sleep(1)
  }
  await sleep(100)
  delay.disable()
  await ledger.flush()
  await ledger.close()
  took.sort()
  const micros = [0.5, 0.99, 0.999].map((q) => (quantile(took, q) * 1000).toFixed(1))
  const loop = [50, 99].map((p) => (delay.percentile(p) / 1e6).toFixed(2))
  console.log(
    `${spool ? `spool, fsync ${spool.fsync}` : 'no spool'} at 2,000/s: in the request ` +
      `p50 ${micros[0]} µs, p99 ${micros[1]} µs, p99.9 ${micros[2]} µs; ` +
      `event loop turn of 1 ms p50 ${loop[0]} ms, p99 ${loop[1]} ms`,
  )

  function begin(index: number): void {
    const event = eventOf(index)
    const { _id, user_id, tier, endpoint, operation_type, timestamp } = event
    const start = performance.now()
    const facts = { _id, user_id, tier, endpoint, operation_type, timestamp }
    const running = ledger.begin(_id, () => facts)
    const run = () => {
      took[index] = performance.now() - start
      setTimeout(() => {
        const again = performance.now()
        ledger.accept(event, running)
        took[index] = (took[index] ?? 0) + performance.now() - again
      }, 5)
    }
    if (running === undefined) run()
    else setImmediate(() => void andThen(ledger.noteBegun(), run))
  }
}

if (values.drain) {
  await withDir((dir) => drain(dir, total))
  await stopTestMongo()
} else {
  for (const fsync of ['interval', 'strict', 'off'] as const) {
    await withDir((dir) => appends(fsync, dir))
  }
  await latency(false)
  for (const fsync of ['interval', 'strict'] as const) {
    await withDir((dir) => latency({ ...config, fsync, dir }))
  }
}
