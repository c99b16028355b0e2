/**
 * A latency histogram with relative error: bucket i holds (γ^(i-1), γ^i] milliseconds, bucket 0
 * everything up to 1 ms. γ = 1.1 keeps any percentile within 5 % of the true one.
 * DDSketch, Masson et al. 2019, https://arxiv.org/abs/1908.10693
 */
const gamma = 1.1
const logGamma = Math.log(gamma)

/** Counts per bucket, sparse. */
export type Histogram = Map<number, number>

/** The bucket of a field, computed by MongoDB; null where the field is absent. */
export const bucketExpression = (field: string) => ({
  $cond: [
    { $gt: [field, 1] },
    { $toInt: { $ceil: { $divide: [{ $ln: field }, logGamma] } } },
    { $cond: [{ $gte: [field, 0] }, 0, null] },
  ],
})

export function addToHistogram(into: Histogram, bucket: number, count: number): void {
  into.set(bucket, (into.get(bucket) ?? 0) + count)
}

/** As stored: [bucket, count, bucket, count …] in ascending order of bucket. */
export function packHistogram(histogram: Histogram): number[] {
  return [...histogram].sort(([a], [b]) => a - b).flat()
}

export function addPackedHistogram(into: Histogram, packed: readonly number[]): void {
  for (let i = 0; i + 1 < packed.length; i += 2) {
    addToHistogram(into, packed[i] ?? 0, packed[i + 1] ?? 0)
  }
}

/** The value below which `share` (0..1) of the samples lie, in whole ms; null without samples. */
export function percentile(histogram: Histogram, share: number): number | null {
  const total = [...histogram.values()].reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  const rank = Math.max(1, Math.ceil(share * total))
  let seen = 0
  for (const [bucket, count] of [...histogram].sort(([a], [b]) => a - b)) {
    seen += count
    if (seen >= rank) return bucketValue(bucket)
  }
  return null
}

function bucketValue(bucket: number): number {
  return bucket === 0 ? 1 : Math.round((2 * gamma ** bucket) / (gamma + 1))
}
