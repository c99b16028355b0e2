import type { Logger } from '../logger.js'
import type { Store } from './store.js'

/** Resolves when the store can be used, and says what does not hold there. */
export async function prepare(store: Store, logger: Logger): Promise<void> {
  await store.prepare()
  if (!(await store.isStandalone())) return
  logger.warn(
    'usage: MongoDB is a standalone server. Writes are not repeated when it goes away for a moment, ' +
      'and acknowledged ones are on one machine only: lost with it. Make it a replica set, of one ' +
      'member if need be: start it with --replSet and run rs.initiate() once.',
  )
}
