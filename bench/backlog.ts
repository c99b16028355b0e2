/**
 * What live requests notice of a backlog: `npm run bench:backlog [-- --events 1000000 --minutes 0]`. MongoDB hangs,
 * so many events gather on disk, MongoDB goes on, and the time of requests while they drain is held
 * against the time of requests of the same process before and after. An app without a meter is asked
 * as often meanwhile: what its requests notice is the machine's, which MongoDB shares with them all.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { stopTestMongo } from '../test/helpers/mongo.js'
import { startOwnMongod } from '../test/helpers/own-mongod.js'
import { build } from './build.js'
import { prompt } from './payloads.js'
import { Child } from './rpc.js'
import { secret, tokens } from './tokens.js'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    /** Over how many minutes of the past they are spread. */
    minutes: { type: 'string', default: '0' },
    /** Requests a second. */
    rate: { type: 'string', default: '200' },
  },
})
const events = Number(values.events)
const everyMs = 1_000 / Number(values.rate)
const calmMs = 15_000
/** `/health` is asked every five seconds, as a monitor would; how much memory there is, more often. */
const looksPerPoll = 10
const body = JSON.stringify(prompt)
const agent = new Agent({ keepAlive: true })

function ask(port: number, token: string): Promise<void> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...{ 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  }
  return new Promise((resolve, reject) => {
    const sent = request({ port, agent, path: '/ai/chat', method: 'POST', headers }, (res) => {
      res.resume().once('end', resolve)
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Times of requests, ms, that begin at a steady rate until it is over. */
async function timesUntil(port: number, isOver: () => boolean): Promise<number[]> {
  const times: number[] = []
  const open: Promise<void>[] = []
  const began = performance.now()
  for (let index = 0; !isOver(); index++) {
    const due = began + index * everyMs
    if (due > performance.now()) await sleep(due - performance.now())
    const token = tokens[index % tokens.length] ?? ''
    // Of one that the load itself has begun too late, only that is left out.
    const since = performance.now()
    open.push(ask(port, token).then(() => void times.push(performance.now() - since)))
  }
  await Promise.all(open)
  return times.sort((a, b) => a - b)
}

async function depthOf(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/health`)
  const { spool } = (await response.json()) as { spool: { depth: number } }
  return spool.depth
}

interface Times {
  readonly metered: number[]
  readonly bare: number[]
}

const at = (sorted: readonly number[], q: number) =>
  (sorted[Math.floor(q * (sorted.length - 1))] ?? NaN).toFixed(1)
const quantiles = (times: readonly number[]) =>
  `p50 ${at(times, 0.5)} ms, p99 ${at(times, 0.99)} ms, p99.9 ${at(times, 0.999)} ms`
const text = (what: string, { metered, bare }: Times) =>
  `${what}: ${metered.length} requests, ${quantiles(metered)}; without a meter ${quantiles(bare)}`

async function measure(
  app: Child,
  bare: Child,
  mongod: { freeze(): void; thaw(): void },
): Promise<void> {
  const port = await app.ask<number>('port')
  const barePort = await bare.ask<number>('port')
  const both = async (isOver: () => boolean): Promise<Times> => {
    const times = [timesUntil(port, isOver), timesUntil(barePort, isOver)]
    const [metered = [], bare = []] = await Promise.all(times)
    return { metered, bare }
  }
  const calm = () => {
    const end = performance.now() + calmMs
    return both(() => performance.now() > end)
  }
  await calm()
  const before = await calm()
  const resident = await app.ask<number>('collected')
  mongod.freeze()
  // Requests go on: the first after a silence waits until it knows what is set for accounts.
  const filling = { isOver: false }
  const meanwhile = timesUntil(port, () => filling.isOver)
  await app.ask('fill', [events, Number(values.minutes)])
  await sleep(3_000)
  const depth = await depthOf(port)
  const filled = await app.ask<number>('collected')
  filling.isOver = true
  await meanwhile
  mongod.thaw()
  const began = performance.now()
  const state = { isDrained: false, most: 0 }
  const watching = (async () => {
    while ((await depthOf(port)) > 2_000) {
      for (let looks = 0; looks < looksPerPoll; looks++) {
        await sleep(500)
        state.most = Math.max(state.most, await app.ask<number>('resident'))
      }
    }
    state.isDrained = true
  })()
  const beside = await both(() => state.isDrained)
  await watching
  const seconds = (performance.now() - began) / 1_000
  const after = await calm()
  const more = (bytes: number) => `${((bytes - resident) / 2 ** 20).toFixed(0)} MB`
  console.log(text('before', before))
  console.log(text(`beside a backlog of ${depth}, drained in ${seconds.toFixed(0)} s`, beside))
  console.log(text('after', after))
  console.log(
    `resident after filling +${more(filled)}, while draining at most +${more(state.most)}`,
  )
}

const dir = await mkdtemp(join(tmpdir(), 'backlog-bench-'))
const mongod = await startOwnMongod()
try {
  const uri = `mongodb://127.0.0.1:${mongod.port}/backlog?directConnection=true`
  const built = build()('backlog-app.js')
  const app = await Child.start(built, [uri, secret, dir], ['--expose-gc'])
  const bare = await Child.start(built)
  await measure(app, bare, mongod)
  await app.stop()
  await bare.stop()
} finally {
  agent.destroy()
  await mongod.stop()
  await stopTestMongo()
  await rm(dir, { recursive: true, force: true })
}
