/** What operations that agree in their labels add up to. */
export interface Tally {
  readonly labels: Labels
  operations: number
  input: number
  output: number
  cache_read: number
  cache_write: number
  reasoning: number
  cost_nano_usd: number
  unpriced: number
  /** Impossible figures of providers. */
  dropped_figures: number
}

/** The labels an operation is counted under. */
export interface Labels {
  readonly operation_type: string
  readonly status: string
  readonly token_source: string
  readonly provider: string
  readonly model: string
}
