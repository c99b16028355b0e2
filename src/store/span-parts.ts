import type { Span } from '../time.js'

/** MongoDB takes long to plan a query of many ranges, and as long for many queries of one each. */
export const rangesAtOnce = 30

/** Spans as a condition of a field. */
export function rangesOf(field: string, spans: readonly Span[]) {
  return spans.map(({ from, to }) => ({ [field]: { $gte: from, $lt: to } }))
}

/** Asks about some of the spans at a time; answers what was found in any of them. */
export async function inParts<T>(
  spans: readonly Span[],
  size: number,
  ask: (some: readonly Span[]) => Promise<T[]>,
): Promise<T[]> {
  const asked: Promise<T[]>[] = []
  for (let i = 0; i < spans.length; i += size) asked.push(ask(spans.slice(i, i + size)))
  return (await Promise.all(asked)).flat()
}
