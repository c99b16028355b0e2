import { figureNames, type CellKey } from '../rollup/cells.js'

/** The figures of cells, added up: of those of a document, or of a group of them. */
export const cellFigures = Object.fromEntries(
  figureNames.map((name) => [name, { $sum: `$cells.${name}` }]),
)

/** Facts that cells are told apart by. */
export function cellFacts(names: readonly (keyof CellKey)[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, `$cells.${name}`]))
}

/** How many groups are read: to decode a batch takes a moment of the host's. */
export const groupsInBatches = { allowDiskUse: true, batchSize: 500 }
