import { addPackedHistogram, packHistogram, type Histogram } from './histogram.js'

/** The facts that operations are grouped by; absent ones are absent. */
export interface CellKey {
  operation_type: string
  endpoint: string
  tier: string
  token_source: string
  provider?: string
  model?: string
}

/** Sums over operations. All are integers, so they add up exactly in any order. */
export interface Figures {
  operations: number
  failed_operations: number
  input_tokens: number
  output_tokens: number
  cache_read_tokens: number
  cache_write_tokens: number
  reasoning_tokens: number
  cost_nano_usd: number
  /** Operations with tokens but no known price. */
  unpriced_operations: number
  /** Their tokens; of an operation with several models, those of the shares without a price. */
  unpriced_tokens: number
  response_time_ms_sum: number
  response_time_samples: number
}

/** As stored: one group of operations inside a rollup document. */
export interface Cell extends CellKey, Figures {
  /** Packed latency histogram, see histogram.ts. */
  latency: number[]
}

/** A cell of which only some facts and figures were read. */
export type PartOfCell = Partial<Cell>

export const figureNames = [
  'operations',
  'failed_operations',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'cost_nano_usd',
  'unpriced_operations',
  'unpriced_tokens',
  'response_time_ms_sum',
  'response_time_samples',
] as const satisfies readonly (keyof Figures)[]

export const keyNames = [
  'operation_type',
  'endpoint',
  'tier',
  'token_source',
  'provider',
  'model',
] as const

export function noFigures(): Figures {
  return {
    operations: 0,
    failed_operations: 0,
    input_tokens: 0,
    output_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
    reasoning_tokens: 0,
    cost_nano_usd: 0,
    unpriced_operations: 0,
    unpriced_tokens: 0,
    response_time_ms_sum: 0,
    response_time_samples: 0,
  }
}

/** Documents of earlier versions lack the figures that were added since. */
export function addFigures(into: Figures, add: Partial<Figures>): void {
  for (const key of figureNames) into[key] += add[key] ?? 0
}

/** The cells that agree in some facts. */
export interface OpenGroup {
  readonly key: Partial<CellKey>
  readonly figures: Figures
  readonly latency: Histogram
}

interface OpenCell {
  readonly key: CellKey
  readonly figures: Figures
  readonly latency: Histogram
}

/** A set of cells under construction; the same input gives the same cells in the same order. */
export class CellSet {
  readonly #cells = new Map<string, OpenCell>()

  /** A cell that was read in part adds what there is of it. */
  add(cell: PartOfCell): void {
    const id = cellId(cell)
    let open = this.#cells.get(id)
    if (open === undefined) {
      open = { key: keyOf(cell as CellKey), figures: noFigures(), latency: new Map() }
      this.#cells.set(id, open)
    }
    addFigures(open.figures, cell)
    if (cell.latency) addPackedHistogram(open.latency, cell.latency)
  }

  get isEmpty(): boolean {
    return this.#cells.size === 0
  }

  /** The cells in a fixed order, ready to be stored. */
  cells(): Cell[] {
    return [...this.#cells]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { key, figures, latency }]) => cellOf(key, figures, packHistogram(latency)))
  }

  totals(): Figures {
    const totals = noFigures()
    for (const { figures } of this.#cells.values()) addFigures(totals, figures)
    return totals
  }

  latency(): Histogram {
    const all: Histogram = new Map()
    for (const { latency } of this.#cells.values()) addPackedHistogram(all, packHistogram(latency))
    return all
  }

  /** Everything there is about each combination of some facts, in no particular order. */
  groups(names: readonly (keyof CellKey)[]): Iterable<OpenGroup> {
    const groups = new Map<string, OpenGroup>()
    for (const { key, figures, latency } of this.#cells.values()) {
      const facts = Object.fromEntries(
        names.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]])),
      )
      const id = JSON.stringify(facts)
      const group = groups.get(id) ?? { key: facts, figures: noFigures(), latency: new Map() }
      addFigures(group.figures, figures)
      addPackedHistogram(group.latency, packHistogram(latency))
      groups.set(id, group)
    }
    return groups.values()
  }

  /** Figures per value of one fact, largest first by operations; operations without it are left out. */
  by(name: keyof CellKey): Map<string, Figures> {
    const groups = new Map<string, Figures>()
    for (const { key, figures } of this.#cells.values()) {
      const value = key[name]
      if (value === undefined) continue
      const group = groups.get(value) ?? noFigures()
      addFigures(group, figures)
      groups.set(value, group)
    }
    return new Map(
      [...groups].sort(([a, x], [b, y]) => y.operations - x.operations || (a < b ? -1 : 1)),
    )
  }
}

function cellId(key: Partial<CellKey>): string {
  return keyNames.map((name) => key[name] ?? '').join('\0')
}

function keyOf({
  operation_type,
  endpoint,
  tier,
  token_source,
  provider,
  model,
}: CellKey): CellKey {
  const key: CellKey = { operation_type, endpoint, tier, token_source }
  if (provider !== undefined) key.provider = provider
  if (model !== undefined) key.model = model
  return key
}

/**
 * A cell as it is stored, whatever else its parts say. Member by member: what spreading makes of an
 * object that the driver has read is slow to read and large, and there are thousands.
 */
export function cellOf(key: CellKey, figures: Partial<Figures>, latency: number[]): Cell {
  const cell = keyOf(key) as Cell
  for (const name of figureNames) cell[name] = figures[name] ?? 0
  cell.latency = latency
  return cell
}
