import { randomInt } from 'node:crypto'
import { availableParallelism, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { seededRandom } from '../scripts/simulator/random.js'
import { freshDatabase, stopTestMongo, type FreshDatabase } from '../test/helpers/mongo.js'
import { build } from './build.js'
import type { Memory } from './collected.js'
import type { IngestWay } from './ingest.js'
import type { OutboundWay } from './outbound.js'
import { measureReserve } from './reserve-report.js'
import { memoryOf } from './memory.js'
import { profile } from './profile.js'
import {
  bareText,
  machineTable,
  microsecondsText,
  ratioText,
  requestTable,
  spreadOf,
  writeReport,
} from './report.js'
import { Child } from './rpc.js'
import { runCase, shuffled, type Bench, type Pair, type Server } from './slices.js'
import { secret } from './tokens.js'

const { values: flags } = parseArgs({
  options: {
    /** Under half a minute, for a sign of life; writes nothing. */
    quick: { type: 'boolean', default: false },
    /** Where the CPU time goes, instead of how much there is. */
    profile: { type: 'boolean', default: false },
    /** Writes the table even if the machine was busy at the start. */
    force: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
})
const quick = {
  starts: 1,
  rounds: 1,
  sliceMs: 200,
  countedMs: 50,
  warmUp: 200,
  memory: 1,
  answered: 500,
}
const full = {
  starts: 3,
  rounds: 4,
  sliceMs: 700,
  countedMs: 250,
  // So many until V8 has compiled all that a request comes through: after 4,000, one costs 10 µs more.
  warmUp: 15_000,
  memory: 3,
  answered: 5_000,
}
const size = flags.quick
  ? { ...quick, ingest: 1, events: 1_000, outbound: 3, reserve: 2 }
  : { ...full, ingest: 10, events: 5_000, outbound: 30, reserve: 12 }
/** Other work takes part of what is measured, and not the same part of each slice. */
const isBusy = (loadavg()[0] ?? 0) > availableParallelism() / 2
const random = seededRandom(Number(flags.seed))
const variantsWithMongo = ['usage', 'limited', 'mongoose']
const peers = ['prom-bundle', 'pino-http', 'morgan', 'opentelemetry']
const databases: FreshDatabase[] = []

async function databaseUri(): Promise<string> {
  const database = await freshDatabase()
  databases.push(database)
  return database.uri
}

async function measureRequests(built: (file: string) => string, load: Child) {
  const path = built('server.js')
  const start = async (name: string): Promise<Server> => {
    const uri = variantsWithMongo.includes(name) ? await databaseUri() : ''
    const child = await Child.start(path, [name, uri, secret])
    return { name, child, port: await child.ask<number>('port') }
  }
  const bench: Bench = { load, start, random }
  const { starts, rounds, sliceMs, countedMs, warmUp } = size
  const often = { starts, rounds }
  const streamWarmUp = warmUp / 10
  const reported = await runCase(bench, {
    ...{ name: 'reported usage and peers', path: '/ai/chat', ...often, sliceMs, warmUp },
    variants: ['usage', 'context', ...peers, 'same'],
  })
  const held = await runCase(bench, {
    ...{ name: 'under a limit', path: '/ai/chat', ...often, sliceMs, warmUp },
    variants: ['limited'],
  })
  const streamed = await runCase(bench, {
    ...{ name: 'streams', path: '/ai/chat/stream', ...often, sliceMs, warmUp: streamWarmUp },
    variants: ['usage', 'context'],
  })
  const counted = await runCase(bench, {
    ...{ name: 'counted tokens', path: '/ai/qa', ...often, warmUp: streamWarmUp },
    ...{ sliceMs: countedMs, variants: ['usage'] },
  })
  const of = (results: Map<string, Pair[]>, name: string) => results.get(name) ?? []
  return {
    reported: of(reported, 'usage'),
    limited: of(held, 'limited'),
    streamed: of(streamed, 'usage'),
    context: of(reported, 'context'),
    contextStreamed: of(streamed, 'context'),
    counted: of(counted, 'usage'),
    peers: peers.map((name) => ({ what: name, pairs: of(reported, name) })),
    same: of(reported, 'same'),
  }
}

/** How often each source of tokens was stored. */
async function sources(): Promise<string> {
  const found = new Map<string, number>()
  for (const { connection } of databases) {
    const rows = await connection
      .collection('usage_logs')
      .aggregate<{ _id: string; count: number }>([
        { $group: { _id: '$token_source', count: { $sum: 1 } } },
      ])
      .toArray()
    for (const { _id, count } of rows) found.set(_id, (found.get(_id) ?? 0) + count)
  }
  return [...found].map(([source, count]) => `${count} ${source}`).join(', ')
}

async function measureMemory(built: (file: string) => string, load: Child): Promise<string> {
  const added: Record<'mongoose' | 'bare', Memory[]> = { mongoose: [], bare: [] }
  for (let round = 0; round < size.memory; round++) {
    const of = async (name: string) =>
      memoryOf(load, built('server.js'), [name, await databaseUri(), secret], size.answered)
    const ours = await of('usage')
    for (const name of ['mongoose', 'bare'] as const) {
      const theirs = await of(name)
      added[name].push({ resident: ours.resident - theirs.resident, own: ours.own - theirs.own })
    }
  }
  const megabytes = (name: 'mongoose' | 'bare', what: keyof Memory) =>
    `+${(spreadOf(added[name].map((one) => one[what])).median / 2 ** 20).toFixed(0)} MB`
  return (
    `Memory before the tokeniser loads: ${megabytes('mongoose', 'own')} of its own over the same app ` +
    `with its own mongoose connection (${megabytes('mongoose', 'resident')} resident: with pages of ` +
    `Node's own file, for dates and collation), ${megabytes('bare', 'own')} over the app without ` +
    `MongoDB (${megabytes('bare', 'resident')}).`
  )
}

async function measureIngest(built: (file: string) => string) {
  const child = await Child.start(built('ingest.js'), [await databaseUri()])
  const ways: IngestWay[] = ['ledger', 'raw', 'raw_unindexed']
  const rates: Record<IngestWay, number[]> = { ledger: [], raw: [], raw_unindexed: [] }
  for (const way of ways) await child.ask('run', { way, count: size.events })
  for (let round = 0; round < size.ingest; round++) {
    for (const way of shuffled(ways, random)) {
      rates[way].push(await child.ask<number>('run', { way, count: size.events }))
    }
  }
  await child.stop()
  const against = (way: IngestWay) =>
    ratioText(rates.ledger.map((rate, round) => rate / (rates[way][round] ?? NaN)))
  const perSecond = spreadOf(rates.ledger).median
  const text =
    `Ingest: ${perSecond.toFixed(0)} events/s, ${against('raw')} of the driver's ` +
    `\`insertMany\` into a collection with the same indexes, ${against('raw_unindexed')} into one ` +
    `without (${size.ingest} slices of ${size.events} events each, batches of 500, majority and journal).`
  return { perSecond, text }
}

async function measureOutbound(built: (file: string) => string): Promise<string> {
  const child = await Child.start(built('outbound.js'))
  const added: Record<OutboundWay, number[]> = { unrelated: [], json: [], stream: [] }
  for (let round = 0; round < size.outbound; round++) {
    for (const way of shuffled(['unrelated', 'json', 'stream'] as const, random)) {
      const count = way === 'unrelated' ? 20_000 : way === 'json' ? 2_000 : 200
      added[way].push(await child.ask<number>('run', { way, count }))
    }
  }
  await child.stop()
  const us = (way: OutboundWay) => microsecondsText(added[way])
  return (
    `Observing the host's own calls adds ${us('json')} µs to a provider call of 4 KB, ` +
    `${us('stream')} µs to a stream of 200 chunks, ${us('unrelated')} µs to any other request.`
  )
}

async function bench(built: (file: string) => string, load: Child): Promise<void> {
  const requests = await measureRequests(built, load)
  const stored = await sources()
  const memory = await measureMemory(built, load)
  const outbound = await measureOutbound(built)
  const reserve = await measureReserve(built, await databaseUri(), size.reserve)
  const ingest = await measureIngest(built)
  const table = requestTable([
    { what: '**express-ai-usage**, usage reported by the provider', pairs: requests.reported },
    { what: '**express-ai-usage**, the same under a limit', pairs: requests.limited },
    { what: '**express-ai-usage**, SSE of 200 chunks', pairs: requests.streamed },
    { what: '**express-ai-usage**, tokens counted by tiktoken', pairs: requests.counted },
    { what: '`AsyncLocalStorage` alone', pairs: requests.context },
    { what: '`AsyncLocalStorage` alone, SSE of 200 chunks', pairs: requests.contextStreamed },
    ...requests.peers,
    { what: 'the bare app itself, once more', pairs: requests.same },
  ])
  const scale = [
    bareText('JSON', requests.reported),
    bareText('SSE', requests.streamed),
    bareText('JSON beside counting', requests.counted),
  ].join(', ')
  const report = [
    ...table,
    '',
    `Median and quartiles. The bare app itself: ${scale}.`,
    memory,
    outbound,
    reserve,
    ingest.text,
    '',
    `\`npm run bench -- --seed ${flags.seed}\`, Node ${process.version}, ` +
      `${new Date().toISOString().slice(0, 10)}.`,
  ].join('\n')
  console.log(`${report}\n\nStored token sources: ${stored}.`)
  if (flags.quick) return
  if (isBusy && !flags.force) console.error('Not written: the machine was busy with other work.')
  else {
    await writeReport(report, 'bench')
    await writeReport(machineTable({ ...requests, ingest }), 'machine')
  }
}

const began = performance.now()
console.error(`seed ${flags.seed}`)
try {
  const built = build()
  const load = await Child.start(built('load.js'))
  if (flags.profile) await profile(built, load, await databaseUri())
  else await bench(built, load)
  await load.stop()
} finally {
  for (const database of databases) await database.drop()
  await stopTestMongo()
}
console.error(`${((performance.now() - began) / 1000).toFixed(0)} s`)
