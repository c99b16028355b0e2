import type { UsageEvent } from '../event.js'
import { slowWriteMs } from '../rollup/freshness.js'
import type { Sighting } from '../store/account-store.js'
import type { Store } from '../store/store.js'
import type { LedgerDoor } from './writer.js'

/** The store, as the ledger's writer uses it. */
export function ledgerDoor(store: Store): LedgerDoor {
  return {
    serverNow: () => store.db.serverNow(),
    append: (events) => store.logs.append(events),
    restamp: async (events) => {
      const now = await store.db.serverNow()
      const ids = events.map((event) => event._id)
      await store.logs.restamp(ids, now)
    },
    meetAgain: async (events) => {
      const now = await store.db.serverNow()
      await store.logs.meetAgain(events, now, new Date(now.getTime() - slowWriteMs))
    },
    horizon: async () => (await store.state.progress()).horizon,
    withdraw: (events) => store.logs.withdraw(events.map((event) => event._id)),
    sighted: (events) => store.accounts.sighted(sightings(events)),
  }
}

/** The latest sight of each user in a batch. */
function sightings(events: readonly UsageEvent[]): Iterable<Sighting> {
  const latest = new Map<string, Sighting>()
  for (const { user_id, timestamp, tier } of events) {
    const known = latest.get(user_id)
    if (known === undefined || known.at <= timestamp)
      latest.set(user_id, { user_id, at: timestamp, tier })
  }
  return latest.values()
}
