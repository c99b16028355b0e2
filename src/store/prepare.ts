import type { Clock } from '../clock.js'
import type { Logger } from '../logger.js'
import type { Store } from './store.js'

/** Clocks of instances may differ by twice as much before limits let more through than they should, ms. */
const maxSkewMs = 10_000

/** Resolves when the store can be used, and says what does not hold there. */
export async function prepare(
  store: Store,
  { logger, clock }: { readonly logger: Logger; readonly clock: Clock },
): Promise<void> {
  await store.prepare()
  await compareClocks(store, logger, clock)
  if (!(await store.isStandalone())) return
  logger.warn(
    'usage: MongoDB is a standalone server. Writes are not repeated when it goes away for a moment, ' +
      'and acknowledged ones are on one machine only: lost with it. Make it a replica set, of one ' +
      'member if need be: start it with --replSet and run rs.initiate() once.',
  )
}

/** What one instance holds counts at others by their own clocks. */
async function compareClocks({ db }: Store, logger: Logger, clock: Clock): Promise<void> {
  const before = clock.now()
  const server = (await db.serverNow()).getTime()
  const aheadMs = (before + clock.now()) / 2 - server
  if (Math.abs(aheadMs) <= maxSkewMs) return
  const seconds = Math.round(Math.abs(aheadMs) / 1_000)
  logger.warn(
    `usage: the clock of this machine is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ` +
      'MongoDB. Limits may let more through where the clocks of instances differ by 20 s: synchronise them.',
  )
}
