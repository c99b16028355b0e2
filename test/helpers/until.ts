import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something is so, a bounded time. Asks less often the longer that takes, others work meanwhile. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  withinMs = 3_000,
): Promise<void> {
  const began = performance.now()
  while (!(await holds())) {
    const waited = performance.now() - began
    if (waited > withinMs) throw new Error(`not within ${withinMs} ms: ${holds.toString()}`)
    await sleep(Math.min(2 + waited / 50, 25))
  }
}
