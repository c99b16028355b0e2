import type { Cell, PartOfCell } from '../rollup/cells.js'

/** When a document begins, and some facts of its cells. */
export type PartOf<T> = Pick<T, Extract<keyof T, 'date' | 'start'>> & { cells: PartOfCell[] }

/** Of cells, for the user usage response. */
const needed = [
  ...(['operation_type', 'token_source', 'model'] as const),
  ...(['operations', 'failed_operations', 'input_tokens', 'output_tokens'] as const),
  ...(['cost_nano_usd', 'unpriced_operations'] as const),
  ...(['response_time_ms_sum', 'response_time_samples'] as const),
].map((name: keyof Cell) => `cells.${name}`)

/** As a projection. */
export const ofCells = Object.fromEntries(needed.map((path) => [path, 1]))
