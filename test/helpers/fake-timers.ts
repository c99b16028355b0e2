import { syncBuiltinESMExports } from 'node:module'
import { mock } from 'node:test'

/** Puts timers under the test's hand, also for those that import them from `node:timers`. */
export function fakeTimers(...apis: ('setTimeout' | 'setInterval')[]): void {
  mock.timers.enable({ apis })
  syncBuiltinESMExports()
}

export function realTimers(): void {
  mock.timers.reset()
  syncBuiltinESMExports()
}
