import { openFrom } from '../src/rollup/freshness.js'
import { verifyDay } from '../src/rollup/rebuild.js'
import type { Store } from '../src/store/store.js'
import { dayMs, floorTo, isTimezone } from '../src/time.js'
import {
  CommandError,
  dayName,
  daysBetween,
  parseDay,
  parseOptions,
  runCommand,
} from './command.js'
import { withStore } from './open-store.js'
import { verifyLimits } from './verify-limits.js'

const usage =
  'npm run verify -- [--from 2026-01-01] [--to 2026-02-01]   (UTC days, --to is left out)\n' +
  '       npm run verify -- --limits [--repair] [--timezone Europe/Lisbon]   (the billing zone)'
const defaultDays = 32
const options = {
  from: { type: 'string' },
  to: { type: 'string' },
  limits: { type: 'boolean' },
  repair: { type: 'boolean' },
  timezone: { type: 'string', default: 'UTC' },
} as const

async function verify(): Promise<number> {
  const { from, to, limits, repair, timezone } = parseOptions(options, usage)
  if (limits === true) {
    if (!isTimezone(timezone)) throw new CommandError('--timezone must be an IANA time zone')
    return withStore(process.env, (store) =>
      verifyLimits(store, { timezone, repair: repair === true }),
    )
  }
  const end = to === undefined ? floorTo(Date.now(), dayMs) + dayMs : parseDay('to', to)
  const start = from === undefined ? end - defaultDays * dayMs : parseDay('from', from)
  return withStore(process.env, (store) => compare(store, daysBetween(start, end)))
}

async function compare(store: Store, asked: readonly number[]): Promise<number> {
  const { horizon } = await store.state.progress()
  const days = asked.filter((day) => day >= horizon.getTime())
  if (days.length < asked.length) {
    console.log(`Days before ${dayName(horizon)} are left out: their raw logs have been deleted.`)
  }
  if (days.length === 0) return 0
  let documents = 0
  let differences = 0
  for (const day of days) {
    const result = await verifyDay(store, day)
    documents += result.documents
    differences += result.differences.length
    for (const difference of result.differences) console.log(difference)
  }
  const open = openFrom(await store.state.watermark())
  const last = days.at(-1) ?? 0
  if (last + dayMs > open) {
    const since = open <= 0 ? 'Nothing has' : `Nothing from ${new Date(open).toISOString()} on has`
    console.log(`${since} been rolled up yet; answers come from the log there.`)
  }
  const span = `${dayName(days[0] ?? 0)} to ${dayName(last)}`
  console.log(`${span}: ${documents} rollup documents, ${differences} differences from the log.`)
  return differences === 0 ? 0 : 1
}

await runCommand(verify)
