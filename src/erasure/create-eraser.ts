import type { Config } from '../config.js'
import type { UnrecordedEvent } from '../event.js'
import type { Ledger } from '../ledger/ledger.js'
import type { Rules } from '../limits/rules.js'
import { telling, type Renaming } from '../store/person-logs.js'
import type { Store } from '../store/store.js'
import { Eraser } from './eraser.js'

export interface ErasedHouse {
  readonly store: Store
  readonly ledger: Ledger
  readonly limits: { readonly rules: Pick<Rules, 'erasures'> }
  flush(): Promise<void>
}

/** What erases persons from a house. */
export function createEraser({ clock, logger }: Config, house: ErasedHouse): Eraser {
  const { store, ledger, limits } = house
  return new Eraser({
    ...{ store, clock, logger, known: limits.rules.erasures },
    flush: () => house.flush(),
    renameLetters: async (renamings) => {
      if (renamings.length === 0) return
      const byName = new Map(renamings.map((one) => [one.from, one]))
      await ledger.rewriteAside((event) => renamed(event, byName.get(event.user_id)))
    },
  })
}

function renamed(event: UnrecordedEvent, renaming: Renaming | undefined) {
  if (renaming === undefined || event.timestamp >= renaming.until) return undefined
  const anonymous = { ...event, user_id: renaming.to }
  for (const name of telling) Reflect.deleteProperty(anonymous, name)
  return anonymous
}
