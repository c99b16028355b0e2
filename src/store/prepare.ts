import type { Logger } from '../logger.js'
import type { Store } from './store.js'

/** A clock that is off by more is told of, ms. */
const maxSkewMs = 10_000

/** Resolves when the store can be used, and says what does not hold there. */
export async function prepare(store: Store, logger: Logger): Promise<void> {
  await store.prepare()
  await compareClocks(store, logger)
  if (!(await store.isStandalone())) return
  logger.warn(
    'usage: MongoDB is a standalone server. Writes are not repeated when it goes away for a moment, ' +
      'and acknowledged ones are on one machine only: lost with it. Make it a replica set, of one ' +
      'member if need be: start it with --replSet and run rs.initiate() once.',
  )
}

async function compareClocks({ db }: Store, logger: Logger): Promise<void> {
  await db.serverNow()
  const { aheadMs } = db
  if (Math.abs(aheadMs) <= maxSkewMs) return
  const seconds = Math.round(Math.abs(aheadMs) / 1_000)
  logger.warn(
    `usage: the clock of this machine is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ` +
      'MongoDB: what it records is dated, and limits begin anew, by that much wrong. Synchronise it.',
  )
}
