import { usdOf } from '../event.js'
import type { Priced, PricedUsage } from '../pricing/priced-usage.js'
import type { Figures, OpenGroup } from '../rollup/cells.js'
import { percentile } from '../rollup/histogram.js'
import { localDays, type Span } from '../time.js'
import { planRead } from './plan.js'
import { costUsd, meanResponseMs, percent, tokensOf } from './rates.js'
import { freshness, globalCells, type InsightDoor } from './timeline.js'
import { unpricedOf, type Unpriced } from './unpriced.js'

/** The most models that are compared, and that each is compared with. */
const maxModels = 100
const maxAlternatives = 20

/** What prices the sum of many operations, at today's prices. */
export type PriceSum = (usage: PricedUsage) => Priced

export interface ModelsQuestion {
  readonly span: Span
  readonly timezone: string
  /** Models to compare with beside those that were used. */
  readonly compare: readonly string[]
}

/** What the same tokens would cost on another model, at today's prices. */
export interface Alternative {
  model: string
  provider: string | null
  /** US dollars; null = no price known. */
  cost_usd: number | null
  /** `cost_usd` less what the model cost; null where either is not known. */
  difference_usd: number | null
}

/** One model of one provider in a span. */
export interface ModelRow {
  model: string
  provider: string | null
  operations: number
  failed_operations: number
  /** Percent, two decimals. */
  error_rate: number | null
  input_tokens: number
  output_tokens: number
  cache_read_tokens: number
  cache_write_tokens: number
  reasoning_tokens: number
  tokens: number
  cost_usd: number | null
  /** Known cost per 1,000 of the tokens that have a price; null without any. */
  cost_per_1k_tokens_usd: number | null
  avg_response_time_ms: number | null
  p95_response_time_ms: number | null
  unpriced_operations: number
  unpriced_tokens: number
  /** Cheapest first, those without a known price last. */
  alternatives: Alternative[]
}

export interface ModelsUsage {
  period_days: number
  /** Most operations first, at most 100. */
  models: ModelRow[]
  unpriced: Unpriced
}

/** The models of a span side by side: the answer of `GET /models`. */
export async function modelsUsage(
  store: InsightDoor,
  { span, timezone, compare }: ModelsQuestion,
  price: PriceSum,
): Promise<ModelsUsage> {
  const plan = planRead(span, await freshness(store))
  const cells = await globalCells(store, plan, store.rows.read(plan.log, undefined))
  const groups = [...cells.groups(['model', 'provider'])].flatMap(named).sort(mostUsed)
  const others = candidatesOf(groups, compare)
  return {
    period_days: localDays(span, timezone).length,
    models: groups.slice(0, maxModels).map((group) => rowOf(group, others, price)),
    unpriced: unpricedOf(cells),
  }
}

interface ModelGroup extends OpenGroup {
  readonly model: string
  readonly provider: string | undefined
}

type Other = Pick<ModelGroup, 'model' | 'provider'>

function named(group: OpenGroup): ModelGroup[] {
  const { model, provider } = group.key
  return model === undefined ? [] : [{ ...group, model, provider }]
}

function mostUsed(a: ModelGroup, b: ModelGroup): number {
  const more =
    b.figures.operations - a.figures.operations || tokensOf(b.figures) - tokensOf(a.figures)
  return more || (idOf(a) < idOf(b) ? -1 : 1)
}

function idOf({ model, provider }: Other): string {
  return `${provider ?? ''}\0${model}`
}

/** The models asked for, then the most used. */
function candidatesOf(groups: readonly ModelGroup[], compare: readonly string[]): Other[] {
  const asked = compare.map((model) => {
    const used = groups.find((group) => group.model === model)
    return { model, provider: used?.provider }
  })
  const all = [...asked, ...groups.map(({ model, provider }) => ({ model, provider }))]
  return [...new Map(all.map((other) => [idOf(other), other])).values()].slice(
    0,
    maxAlternatives + 1,
  )
}

function rowOf(group: ModelGroup, others: readonly Other[], price: PriceSum): ModelRow {
  const { model, provider, figures, latency } = group
  const cost_usd = costUsd(figures)
  const tokens = tokensOf(figures)
  return {
    model,
    provider: provider ?? null,
    operations: figures.operations,
    failed_operations: figures.failed_operations,
    error_rate: percent(figures.failed_operations, figures.operations),
    input_tokens: figures.input_tokens,
    output_tokens: figures.output_tokens,
    cache_read_tokens: figures.cache_read_tokens,
    cache_write_tokens: figures.cache_write_tokens,
    reasoning_tokens: figures.reasoning_tokens,
    tokens,
    cost_usd,
    cost_per_1k_tokens_usd: perThousand(figures.cost_nano_usd, tokens - figures.unpriced_tokens),
    avg_response_time_ms: meanResponseMs(figures),
    p95_response_time_ms: percentile(latency, 0.95),
    unpriced_operations: figures.unpriced_operations,
    unpriced_tokens: figures.unpriced_tokens,
    alternatives: alternativesOf(group, others, price),
  }
}

function alternativesOf(
  group: ModelGroup,
  others: readonly Other[],
  price: PriceSum,
): Alternative[] {
  const paid = group.figures.unpriced_tokens > 0 ? null : group.figures.cost_nano_usd
  return others
    .filter((other) => idOf(other) !== idOf(group))
    .slice(0, maxAlternatives)
    .map(({ model, provider }) => {
      const cost = price({ model, provider, ...usageOf(group.figures) }).cost_nano_usd
      return {
        model,
        provider: provider ?? null,
        cost_usd: cost === null ? null : usdOf(cost),
        difference_usd: cost === null || paid === null ? null : usdOf(cost - paid),
      }
    })
    .sort(
      (a, b) => (a.cost_usd ?? Infinity) - (b.cost_usd ?? Infinity) || (a.model < b.model ? -1 : 1),
    )
}

function usageOf(figures: Figures) {
  const { input_tokens, output_tokens } = figures
  const { cache_read_tokens, cache_write_tokens, reasoning_tokens } = figures
  return { input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens }
}

/** Dollars per 1,000 tokens, to a billionth. */
function perThousand(nano: number, tokens: number): number | null {
  return tokens <= 0 ? null : usdOf(Math.round((nano / tokens) * 1000))
}
