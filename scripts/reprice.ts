import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { systemClock } from '../src/clock.js'
import { priceOverride, type Override } from '../src/pricing/override.js'
import { createPriceBook } from '../src/pricing/price-book.js'
import { reprice, type RepriceReport } from '../src/pricing/reprice.js'
import { rebuildDays } from '../src/rollup/rebuild.js'
import type { ModelFilter } from '../src/store/log-prices.js'
import type { Store } from '../src/store/store.js'
import { CommandError, parseDay, parseOptions, runCommand, terminal } from './command.js'
import { demandLogs } from './demand-logs.js'
import { withStore } from './open-store.js'

const usage =
  'npm run reprice -- --from 2026-01-01 --to 2026-02-01 [--model gpt-4o | --model "claude-*"] ' +
  '[--overrides prices.json] [--replace-overrides] [--dry-run]   (UTC days, --to is left out)'

function readOptions() {
  const given = parseOptions(
    {
      from: { type: 'string' },
      to: { type: 'string' },
      model: { type: 'string' },
      overrides: { type: 'string' },
      'replace-overrides': { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
    },
    usage,
  )
  const { from, to, model } = given
  if (from === undefined || to === undefined) {
    throw new CommandError(`--from and --to are needed.\nUsage: ${usage}`)
  }
  const span = { from: new Date(parseDay('from', from)), to: new Date(parseDay('to', to)) }
  if (span.from >= span.to) {
    throw new CommandError('--to must be after --from: it is the first day left out')
  }
  return {
    ...{ span, model: modelFilter(model), overrides: given.overrides },
    ...{ dryRun: given['dry-run'], replaceOverrides: given['replace-overrides'] },
  }
}

function modelFilter(model: string | undefined): ModelFilter {
  if (model === undefined) return undefined
  if (!/^[^*]+\*?$/.test(model)) {
    throw new CommandError('--model must be a model, or its beginning and a *')
  }
  return model.endsWith('*') ? { prefix: model.slice(0, -1) } : { name: model }
}

/** The option `pricing.overrides` of the host, as JSON. */
async function readOverrides(file: string | undefined): Promise<Override[]> {
  if (file === undefined) return []
  try {
    return z.array(priceOverride).parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    throw new CommandError(`--overrides ${file} holds no list of prices: ${String(error)}`)
  }
}

async function run(): Promise<number> {
  const options = readOptions()
  const overrides = await readOverrides(options.overrides)
  const catalogueFile = process.env.AI_USAGE_PRICES_FILE
  const pricing = { overrides, catalogue: true, catalogueFile }
  return withStore(process.env, async (store) => {
    await demandLogs(store, options.span.from.getTime())
    const door = store.prices
    const book = createPriceBook({ pricing, clock: systemClock, logger: terminal }, door)
    await book.load()
    const report = await reprice(store, {
      ...options,
      price: (of, at, context) => book.price(of, at, context),
      onBatch: ({ operations }) => terminal.info(`${operations} operations looked at`),
    })
    if (!options.dryRun) await followUp(store, report)
    console.log(describe(report, options.dryRun))
    return 0
  })
}

async function followUp(store: Store, { days, changed }: RepriceReport): Promise<void> {
  if (changed === 0) return
  const sorted = [...days].sort((a, b) => a - b)
  await rebuildDays(store, sorted)
  terminal.info(`Rebuilt the rollups of ${days.size} days.`)
  terminal.info('Limits of cost count the old prices: npm run verify -- --limits --repair')
}

function describe(report: RepriceReport, dryRun: boolean): string {
  const { operations, changed, given, kept, still_unpriced } = report
  return [
    `${operations} operations: ${changed} ${dryRun ? 'would change' : 'changed'}`,
    `old sum $${dollars(report.old_sum_nano_usd)}, new sum $${dollars(report.new_sum_nano_usd)}`,
    `${still_unpriced} still unpriced`,
    `${given} with a cost from the provider or the host left alone`,
    `${kept} kept because no price is on file for them now, or it depends on how long each prompt was`,
  ].join('\n')
}

/** Nano-dollars as dollars, every digit. */
function dollars(nano: number): string {
  const digits = String(nano).padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}

await runCommand(run)
