/**
 * What a roll-up costs: `npm run bench:rollup [-- --users 100,1000]`. All users do something each
 * minute, have done so in a third of the day's windows, and have three months of days behind them: the worst
 * case. Writes the table of docs/scaling.md, unless users are named.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { rollUp } from '../src/rollup/roller.js'
import { dayMs, intervalMs, minuteMs } from '../src/time.js'
import { freshDatabase, stopTestMongo, type FreshDatabase } from '../test/helpers/mongo.js'
import { World } from '../test/rollup/support.js'
import { spreadOf, writeReport } from './report.js'

const { values } = parseArgs({ options: { users: { type: 'string' } } })
const sizes = (values.users ?? '100,1000').split(',').map(Number)
const windows = 32
const days = 90
const models = 4
/** Runs that are measured, after those that look again at what has just been recorded. */
const runs = 5
const warmUps = 2

interface Run {
  readonly hostMs: number
  readonly mongodMs: number
  readonly heldMs: number
}

function eventsAt(at: number, users: number) {
  return Array.from({ length: users }, (_, user) => ({
    timestamp: new Date(at - (user % 13) * 4_000),
    user_id: `user-${user}`,
    endpoint: user % 5 === 0 ? '/ai/summarize' : '/ai/chat',
    model: `model-${(user + Math.floor(at / intervalMs)) % models}`,
    response_time_ms: 100 + ((user * 31 + at / minuteMs) % 900),
  }))
}

async function record(world: World, at: number, users: number): Promise<void> {
  const events = eventsAt(at, users)
  for (let i = 0; i < events.length; i += 2_000) await world.append(events.slice(i, i + 2_000))
  world.log.length = 0
}

/** The same figures for each of the days before. */
async function addDaysBefore({ connection }: FreshDatabase): Promise<void> {
  const stats = connection.collection<{ _id: string; date: Date }>('daily_stats')
  const own = await stats.find({ scope: 'user' }).toArray()
  for (let ago = 1; ago < days; ago++) {
    const docs = own.map((doc) => {
      const date = new Date(doc.date.getTime() - ago * dayMs)
      return { ...doc, _id: doc._id.replace(/^[^|]*/, date.toISOString()), date }
    })
    for (let i = 0; i < docs.length; i += 2_000)
      await stats.insertMany(docs.slice(i, i + 2_000), { ordered: false })
    process.stderr.write(`\r${own.length} users, ${ago} days `)
  }
}

async function cpuOfMongod({ connection }: FreshDatabase): Promise<number> {
  const status = await connection.db?.admin().command({ serverStatus: 1 })
  const info = status?.extra_info as { user_time_us: number; system_time_us: number }
  return (info.user_time_us + info.system_time_us) / 1_000
}

async function measure(database: FreshDatabase, world: World): Promise<Run> {
  const held = monitorEventLoopDelay({ resolution: 1 })
  const mongod = await cpuOfMongod(database)
  const host = process.cpuUsage()
  held.enable()
  await rollUp(world.door())
  held.disable()
  const { user, system } = process.cpuUsage(host)
  const mongodMs = (await cpuOfMongod(database)) - mongod
  return { hostMs: (user + system) / 1_000, mongodMs, heldMs: held.max / 1e6 }
}

async function rowOf(users: number): Promise<string> {
  const database = await freshDatabase()
  const world = new World(database.connection, '2026-06-10T16:00:00Z')
  await world.store.prepare()
  for (let ago = windows; ago > 0; ago--)
    await record(world, world.now - ago * intervalMs + minuteMs, users)
  await rollUp(world.door())
  await addDaysBefore(database)
  const found: Run[] = []
  for (let run = 0; run < warmUps + runs; run++) {
    world.now += minuteMs
    await record(world, world.now, users)
    world.now += 1_000
    const one = await measure(database, world)
    if (run >= warmUps) found.push(one)
  }
  await database.drop()
  const median = (of: (run: Run) => number) => spreadOf(found.map(of)).median.toFixed(0)
  const [host, mongod] = [median((run) => run.hostMs), median((run) => run.mongodMs)]
  return `| ${users.toLocaleString('en')} | ${host} ms | ${mongod} ms | ${median((run) => run.heldMs)} ms |`
}

const table = [
  '| users who do something each minute | CPU of the app | CPU of MongoDB | its event loop is held, at most |',
  '|---|---|---|---|',
]
try {
  for (const users of sizes) table.push(await rowOf(users))
  console.log(`\n${table.join('\n')}`)
  if (values.users === undefined) await writeReport(table.join('\n'), 'rollup')
} finally {
  await stopTestMongo()
}
