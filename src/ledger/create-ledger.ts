import type { Config } from '../config.js'
import type { Store } from '../store/store.js'
import { ledgerDoor } from './door.js'
import { Ledger } from './ledger.js'

/** The ledger of these options, before this store. */
export function createLedger(
  { clock, logger, ledger, spool }: Config,
  store: Store,
  onWritten: () => void,
): Ledger {
  return new Ledger({ door: ledgerDoor(store), clock, logger, ...ledger, spool, onWritten })
}
