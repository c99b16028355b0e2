import { setTimeout as sleep } from 'node:timers/promises'
import { Presets, SingleBar } from 'cli-progress'
import { systemClock } from '../src/clock.js'
import { createPriceBook } from '../src/pricing/price-book.js'
import { priceEvent } from '../src/pricing/price-event.js'
import type { Price } from '../src/pricing/priced-usage.js'
import { rebuildDays, utcDays } from '../src/rollup/rebuild.js'
import type { Sighting } from '../src/store/account-store.js'
import type { UsageEvent } from '../src/event.js'
import type { Store } from '../src/store/store.js'
import { dayMs, floorTo, minuteMs, parseInstant } from '../src/time.js'
import { CommandError, parseCount, parseOptions, runCommand, terminal } from './command.js'
import { withStore } from './open-store.js'
import { traffic, type TrafficOptions } from './seed/traffic.js'

const usage =
  'npm run seed -- --users 1000 --days 90 [--operations 1000000] [--seed 1] [--until 2026-11-23T12:00:00Z]'
const operationsPerUserAndDay = 10
const batchSize = 2000
const batchesAtOnce = 3

function readOptions(): TrafficOptions {
  const given = parseOptions(
    {
      users: { type: 'string', default: '1000' },
      days: { type: 'string', default: '90' },
      operations: { type: 'string' },
      seed: { type: 'string', default: '1' },
      until: { type: 'string' },
    },
    usage,
  )
  const users = parseCount('users', given.users, 1, 1_000_000)
  const days = parseCount('days', given.days, 1, 3660)
  const usual = Math.min(users * days * operationsPerUserAndDay, 100_000_000)
  const operations = parseCount('operations', given.operations ?? String(usual), 1, 100_000_000)
  const to = given.until === undefined ? floorTo(Date.now(), minuteMs) : parseEnd(given.until)
  const span = { from: new Date(to - days * dayMs), to: new Date(to) }
  return { users, operations, seed: parseCount('seed', given.seed, 0, 2 ** 32 - 1), span }
}

function parseEnd(text: string): number {
  const end = parseInstant(text, 'UTC')
  if (end !== undefined && end.getTime() <= Date.now()) return end.getTime()
  throw new CommandError(
    `--until must be a day or an instant that is over, it is ${JSON.stringify(text)}`,
  )
}

async function seed(): Promise<number> {
  const options = readOptions()
  return withStore(process.env, async (store) => {
    const price = await loadPrices(store)
    const began = performance.now()
    const { stored, sightings } = await fillLog(store, options, price)
    const seconds = (performance.now() - began) / 1000
    const rate = Math.round(options.operations / seconds)
    console.error(`${stored} new operations in ${seconds.toFixed(1)} s (${rate} per second)`)
    for (let i = 0; i < sightings.length; i += 1000) {
      await store.accounts.sighted(sightings.slice(i, i + 1000))
    }
    const days = utcDays(options.span)
    const bar = progressBar('rollups   ', days.length)
    await rebuildDays(store, days, () => bar.increment())
    bar.stop()
    const told = `${stored} operations of ${sightings.length / 2} users`
    console.log(`${told}, ${options.span.from.toISOString()} to ${options.span.to.toISOString()}`)
    return 0
  })
}

/** What things cost: as the prices of the store say, else the catalogue. */
async function loadPrices(store: Store): Promise<Price> {
  const catalogueFile = process.env.AI_USAGE_PRICES_FILE
  const pricing = { overrides: [], catalogue: true, catalogueFile }
  const book = createPriceBook({ pricing, clock: systemClock, logger: terminal }, store.prices)
  await book.load()
  return (usage, at) => book.price(usage, at)
}

/** Appends all traffic; answers how much was new, and the first and last sight of each user. */
async function fillLog(store: Store, options: TrafficOptions, price: Price) {
  const bar = progressBar('operations', options.operations)
  const seen = new Map<string, { first: Sighting; last: Sighting }>()
  const events = traffic(options)
  let stored = 0
  const work = async () => {
    for (let batch = take(events); batch.length > 0; batch = take(events)) {
      for (const event of batch) {
        sight(seen, event)
        priceEvent(event, price)
      }
      const fresh = await append(store, batch)
      stored += fresh
      bar.increment(batch.length)
    }
  }
  try {
    await Promise.all(Array.from({ length: batchesAtOnce }, work))
  } finally {
    bar.stop()
  }
  return { stored, sightings: [...seen.values()].flatMap(({ first, last }) => [first, last]) }
}

function take(events: Iterator<UsageEvent>): UsageEvent[] {
  const batch: UsageEvent[] = []
  while (batch.length < batchSize) {
    const next = events.next()
    if (next.done) break
    batch.push(next.value)
  }
  return batch
}

function sight(seen: Map<string, { first: Sighting; last: Sighting }>, event: UsageEvent): void {
  const { user_id, tier, timestamp: at } = event
  const known = seen.get(user_id)
  if (known) known.last = { user_id, tier, at }
  else seen.set(user_id, { first: { user_id, tier, at }, last: { user_id, tier, at } })
}

async function append(store: Store, batch: readonly UsageEvent[]): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const written = await store.logs.append(batch)
    if (written.outcome === 'settled') {
      const refused = written.refused.length
      if (refused > 0) throw new CommandError(`MongoDB refused ${refused} operations`)
      return batch.length - written.duplicates.length
    }
    const reason = written.outcome === 'retry' ? written.reason : written.code
    if (written.outcome === 'poisoned' || attempt === 5) {
      throw new CommandError(`MongoDB did not take a batch: ${reason}`)
    }
    await sleep(200 * 2 ** attempt)
  }
}

function progressBar(label: string, total: number): SingleBar {
  const format = `${label} {bar} {percentage}% | {value}/{total} | {eta_formatted} left`
  const options = { format, noTTYOutput: true, notTTYSchedule: 5000, etaBuffer: 50, fps: 5 }
  const bar = new SingleBar(options, Presets.shades_classic)
  bar.start(total, 0)
  return bar
}

await runCommand(seed)
