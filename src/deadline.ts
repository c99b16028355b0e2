import { clearTimeout, setTimeout } from 'node:timers'

/** How long a job, or a connection, may take to end while MongoDB hangs, ms. */
export const endingMs = 1_000

/** True when `work` is done within so many ms; rejects as it does. */
export async function within(work: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs)
  })
  try {
    return await Promise.race([work.then(() => true), deadline])
  } finally {
    clearTimeout(timer)
  }
}
