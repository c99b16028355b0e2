import type { Config } from '../config.js'
import type { Ledger } from '../ledger/ledger.js'
import type { Limiter } from '../limits/limiter.js'
import type { Rules } from '../limits/rules.js'
import type { Store } from '../store/store.js'
import { NamesAside } from './aside.js'
import { Eraser } from './eraser.js'

export interface ErasedHouse {
  readonly store: Store
  readonly ledger: Ledger
  readonly limits: {
    readonly rules: Pick<Rules, 'erasures'>
    readonly limiter: Pick<Limiter, 'said'>
  }
  flush(): Promise<void>
}

/** What erases persons from a house. */
export function createEraser({ clock, logger }: Config, house: ErasedHouse): Eraser {
  const { store, ledger, limits } = house
  const aside = new NamesAside(ledger, logger)
  return new Eraser({
    ...{ store, clock, logger, known: limits.rules.erasures },
    flush: async (userId) => {
      await house.flush()
      await limits.limiter.said(`user:${userId}`)
    },
    renameAside: (renamings) => aside.rename(renamings),
  })
}
