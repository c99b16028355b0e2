import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { format, resolveConfig } from 'prettier'
import type { Pair } from './slices.js'

/** One line of the table. */
export interface Row {
  what: string
  pairs: readonly Pair[]
}

export interface Spread {
  median: number
  low: number
  high: number
}

/** Median and quartiles. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => {
    const position = share * (sorted.length - 1)
    const below = sorted[Math.floor(position)] ?? NaN
    const above = sorted[Math.ceil(position)] ?? NaN
    return below + (above - below) * (position - Math.floor(position))
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

export function ratioText(values: readonly number[]): string {
  const { median, low, high } = spreadOf(values)
  return `${median.toFixed(2)}× (${low.toFixed(2)}–${high.toFixed(2)})`
}

/** Median and quartiles of figures that may be below one. */
export function microsecondsText(values: readonly number[]): string {
  const { median, low, high } = spreadOf(values)
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`
}

function microseconds(values: readonly number[]): string {
  const { median, low, high } = spreadOf(values)
  return `${median.toFixed(0)} (${low.toFixed(0)}–${high.toFixed(0)})`
}

/** Requests per second and CPU of each variant against the bare app in the slice beside it. */
export function requestTable(rows: readonly Row[]): string[] {
  return [
    '| | requests/s against bare | added CPU, µs per request | of it main thread, µs | slices |',
    '|---|---|---|---|---|',
    ...rows.map(({ what, pairs }) => {
      const ratio = pairs.map(
        (pair) => pair.variant.requestsPerSecond / pair.bare.requestsPerSecond,
      )
      const cpu = pairs.map((pair) => pair.variant.cpuUs - pair.bare.cpuUs)
      const busy = pairs.map((pair) => pair.variant.busyUs - pair.bare.busyUs)
      return `| ${what} | ${ratioText(ratio)} | ${microseconds(cpu)} | ${microseconds(busy)} | ${pairs.length} |`
    }),
  ]
}

/** The bare app's own figures, for scale. */
export function bareText(name: string, pairs: readonly Pair[]): string {
  const rate = spreadOf(pairs.map((pair) => pair.bare.requestsPerSecond)).median
  const cpu = spreadOf(pairs.map((pair) => pair.bare.cpuUs)).median
  return `${name} ${rate.toFixed(0)} requests/s at ${cpu.toFixed(0)} µs`
}

interface Machine {
  readonly reported: readonly Pair[]
  readonly limited: readonly Pair[]
  readonly ingest: { readonly perSecond: number }
}

/** What one machine holds. */
export function machineTable({ reported, limited, ingest }: Machine): string {
  const median = (of: (pair: Pair) => number, pairs = reported) => spreadOf(pairs.map(of)).median
  const requests = median(({ variant }) => variant.requestsPerSecond)
  const bare = median((pair) => pair.bare.requestsPerSecond)
  const added = (pairs: readonly Pair[]) =>
    median((pair) => pair.variant.cpuUs - pair.bare.cpuUs, pairs).toFixed(0)
  const number = (value: number) => Math.round(value).toLocaleString('en')
  return [
    '| what | figure | by |',
    '|---|---|---|',
    `| events into the log, majority and journal | ${number(ingest.perSecond)} a second | \`npm run bench\`, part _Ingest_ |`,
    `| requests of one process, usage reported | ${number(requests)} a second | \`npm run bench\`: the bare app ${number(bare)} |`,
    `| CPU an operation adds, all threads | ${added(reported)} µs | \`npm run bench\` |`,
    `| the same under a limit, asked for each one | ${added(limited)} µs | \`npm run bench\`, 32 requests at a time |`,
  ].join('\n')
}

/** The files whose tables are written by what has measured them. */
const documents = ['bench/README.md', 'README.md', 'docs/scaling.md']

/** Puts a report between the marks of its name in the files that have them, as the formatter wants it. */
export async function writeReport(report: string, name: string): Promise<void> {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  for (const document of documents) {
    const file = join(import.meta.dirname, '..', document)
    const text = readFileSync(file, 'utf8')
    const from = text.indexOf(start)
    const to = text.indexOf(end)
    if (from === -1 || to < from) continue
    const whole = `${text.slice(0, from + start.length)}\n\n${report}\n\n${text.slice(to)}`
    const style = await resolveConfig(file)
    writeFileSync(file, await format(whole, { ...style, filepath: file }))
  }
}
