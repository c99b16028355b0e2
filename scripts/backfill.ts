import { rebuildDays } from '../src/rollup/rebuild.js'
import {
  CommandError,
  dayName,
  daysBetween,
  parseDay,
  parseOptions,
  runCommand,
} from './command.js'
import { demandLogs } from './demand-logs.js'
import { withStore } from './open-store.js'

const usage = 'npm run backfill -- --from 2026-01-01 --to 2026-02-01   (UTC days, --to is left out)'

async function backfill(): Promise<number> {
  const { from, to } = parseOptions({ from: { type: 'string' }, to: { type: 'string' } }, usage)
  if (from === undefined || to === undefined) {
    throw new CommandError(`--from and --to are needed.\nUsage: ${usage}`)
  }
  const days = daysBetween(parseDay('from', from), parseDay('to', to))
  let documents = 0
  let done = 0
  await withStore(process.env, async (store) => {
    await demandLogs(store, days[0] ?? 0)
    await rebuildDays(store, days, (result) => {
      documents += result.documents
      done++
      const stray = result.differences.length
      const removed = stray === 0 ? '' : `, ${stray} stray removed`
      const progress = `[${done}/${days.length}] ${dayName(result.date)}`
      console.log(`${progress}  ${result.documents} rollup documents${removed}`)
    })
  })
  console.log(`Rebuilt ${days.length} days from the log: ${documents} rollup documents.`)
  return 0
}

await runCommand(backfill)
