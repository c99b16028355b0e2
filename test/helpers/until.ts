import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something is so, a bounded time. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs = 3_000,
): Promise<void> {
  const end = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${holds.toString()}`)
    await sleep(2)
  }
}
