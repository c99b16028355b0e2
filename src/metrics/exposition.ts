import { Counter, Gauge, Registry } from 'prom-client'
import type { LedgerStats } from '../ledger/ledger-stats.js'
import type { Labels, Tally } from './tally.js'

export interface Exposition {
  expose(
    tallies: Iterable<Tally>,
    ledger: LedgerStats,
  ): Promise<{ contentType: string; text: string }>
}

const tokenTypes = ['input', 'output', 'cache_read', 'cache_write', 'reasoning'] as const

/**
 * The metrics as Prometheus reads them, in a registry of their own. Names and units follow
 * https://prometheus.io/docs/practices/naming/; all count since the process started.
 */
export function createExposition(): Exposition {
  const registry = new Registry()
  const operations = operationCounters(registry)
  const ledger = ledgerMetrics(registry)
  return {
    expose: async (tallies, stats) => {
      registry.resetMetrics()
      for (const tally of tallies) operations(tally)
      ledger(stats)
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}

function operationCounters(registry: Registry): (tally: Tally) => void {
  const counter = (name: string, help: string, labelNames: readonly (keyof Labels | 'type')[]) =>
    new Counter({ name: `ai_usage_${name}`, help, labelNames, registers: [registry] })
  const operations = counter('operations_total', 'AI operations.', [
    ...(['operation_type', 'status', 'provider', 'model'] as const),
  ])
  const tokens = counter(
    'tokens_total',
    'Tokens by type; cache_read and cache_write are part of input, reasoning of output.',
    ['type', 'provider', 'model'],
  )
  const cost = counter('cost_nano_usd_total', 'Known cost, billionths of a US dollar.', [
    ...(['provider', 'model'] as const),
  ])
  const unpriced = counter('unpriced_operations_total', 'Operations whose price is unknown.', [
    ...(['provider', 'model'] as const),
  ])
  const droppedFigures = counter(
    'dropped_figures_total',
    "Providers' figures that were impossible and dropped.",
    ['provider', 'model'],
  )
  const sources = counter(
    'token_source_operations_total',
    'Operations by source of their tokens.',
    ['token_source'],
  )
  return ({ labels, ...sums }) => {
    const { operation_type, status, token_source, provider, model } = labels
    operations.inc({ operation_type, status, provider, model }, sums.operations)
    for (const type of tokenTypes) {
      if (sums[type] > 0) tokens.inc({ type, provider, model }, sums[type])
    }
    if (sums.cost_nano_usd > 0) cost.inc({ provider, model }, sums.cost_nano_usd)
    if (sums.unpriced > 0) unpriced.inc({ provider, model }, sums.unpriced)
    if (sums.dropped_figures > 0) droppedFigures.inc({ provider, model }, sums.dropped_figures)
    sources.inc({ token_source }, sums.operations)
  }
}

function ledgerMetrics(registry: Registry): (stats: LedgerStats) => void {
  const registers = [registry]
  const depth = new Gauge({
    ...{ name: 'ai_usage_ledger_depth', help: 'Events waiting for MongoDB.', registers },
  })
  const oldest = new Gauge({
    ...{ name: 'ai_usage_ledger_oldest_seconds', help: 'Age of the oldest of them.', registers },
  })
  const bytes = new Gauge({
    ...{ name: 'ai_usage_ledger_bytes', help: 'What they take on disk.', registers },
  })
  const events = new Counter({
    name: 'ai_usage_ledger_events_total',
    help: 'Events by what became of them; a dropped or refused one is lost.',
    labelNames: ['outcome'],
    registers,
  })
  const retries = new Counter({
    ...{
      name: 'ai_usage_ledger_retries_total',
      help: 'Writes that had to be repeated.',
      registers,
    },
  })
  return (stats) => {
    depth.set(stats.depth)
    oldest.set(stats.oldest_ms / 1000)
    bytes.set(stats.bytes)
    for (const outcome of ['accepted', 'stored', 'duplicates', 'refused', 'dropped'] as const) {
      events.inc({ outcome }, stats[outcome])
    }
    retries.inc(stats.retries)
  }
}
