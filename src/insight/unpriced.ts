import type { CellSet } from '../rollup/cells.js'

/** The most models that are named. */
const maxModels = 50

/** What has no known price: never counted as $0. */
export interface Unpriced {
  operations: number
  tokens: number
  /** Most tokens first, at most 50. `model` and `provider` are null where operations name none. */
  models: { model: string | null; provider: string | null; operations: number; tokens: number }[]
}

export function unpricedOf(cells: CellSet): Unpriced {
  const totals = cells.totals()
  const models = [...cells.groups(['model', 'provider'])]
    .filter(({ figures }) => figures.unpriced_tokens > 0 || figures.unpriced_operations > 0)
    .map(({ key, figures }) => ({
      model: key.model ?? null,
      provider: key.provider ?? null,
      operations: figures.unpriced_operations,
      tokens: figures.unpriced_tokens,
    }))
    .sort(
      (a, b) => b.tokens - a.tokens || compare(a.model, b.model) || compare(a.provider, b.provider),
    )
  return {
    operations: totals.unpriced_operations,
    tokens: totals.unpriced_tokens,
    models: models.slice(0, maxModels),
  }
}

function compare(a: string | null, b: string | null): number {
  return (a ?? '') < (b ?? '') ? -1 : (a ?? '') > (b ?? '') ? 1 : 0
}
