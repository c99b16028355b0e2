import { CellSet, type Cell, type CellKey } from './cells.js'

/**
 * What one document holds at most: names may come from clients (a model that no provider has, a path
 * below a mount), and each may take some kilobytes of the 16 MB that MongoDB allows.
 */
const maxCells = 2_000
/** Of those, so many are for what is left over. */
const maxOthers = 200

const other = 'other'

/** What is no longer told apart, step by step, until there are few enough. */
const steps: readonly Partial<CellKey>[] = [
  { model: other },
  { model: other, endpoint: other },
  { model: other, endpoint: other, operation_type: other, tier: other },
]

/**
 * As many cells as a document may have, from cells in a fixed order: those with most operations as they
 * are, the rest under the model `other` and without a provider, at worst under other endpoints, types and
 * tiers too. Sums stay, and the same cells give the same ones.
 */
export function boundedCells(set: CellSet): Cell[] {
  const cells = set.cells()
  if (cells.length <= maxCells) return cells
  const largest = cells.toSorted((a, b) => b.operations - a.operations)
  const kept = largest.slice(0, maxCells - maxOthers)
  const rest = largest.slice(maxCells - maxOthers)
  for (const step of steps) {
    const others = rest.map(({ provider: _, ...cell }) => ({ ...cell, ...step }))
    const merged = sum(others).cells()
    if (merged.length <= maxOthers || step === steps.at(-1))
      return sum([...kept, ...merged]).cells()
  }
  return cells
}

function sum(cells: readonly Cell[]): CellSet {
  const set = new CellSet()
  for (const cell of cells) set.add(cell)
  return set
}
