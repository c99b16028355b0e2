import type { Store } from '../src/store/store.js'
import { CommandError, dayName } from './command.js'

/**
 * For commands that compute from the log.
 * @throws CommandError when one is told to begin (epoch ms) where raw logs have been deleted
 */
export async function demandLogs(store: Pick<Store, 'state'>, from: number): Promise<void> {
  const { horizon } = await store.state.progress()
  if (from >= horizon.getTime()) return
  const day = dayName(horizon)
  throw new CommandError(
    `Raw logs before ${day} have been deleted, and the rollups of those days are all there is: ` +
      `they are left as they are. Use --from ${day} or later`,
  )
}
