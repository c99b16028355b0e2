/**
 * Milliseconds to wait before try number `attempt` (from 1): exponential with full jitter, so that
 * instances do not come back all at once.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(
  attempt: number,
  baseMs = 100,
  maxMs = 10_000,
  random = Math.random,
): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 20))
  return Math.round(ceiling / 2 + random() * (ceiling / 2))
}
