import type { UnrecordedEvent } from '../event.js'
import type { Ledger } from '../ledger/ledger.js'
import type { Logger } from '../logger.js'
import { telling, type Renaming } from '../store/person-logs.js'

/** Names of erased persons in what was put aside on this machine. */
export class NamesAside {
  readonly #ledger: Pick<Ledger, 'rewriteAside'>
  readonly #logger: Logger
  #isFailing = false

  constructor(ledger: Pick<Ledger, 'rewriteAside'>, logger: Logger) {
    this.#ledger = ledger
    this.#logger = logger
  }

  /** Renames there. False: some of it cannot be looked at, which is told once. Never rejects. */
  async rename(renamings: readonly Renaming[]): Promise<boolean> {
    if (renamings.length === 0) return true
    const byName = new Map(renamings.map((one) => [one.from, one]))
    const failures = await this.#ledger.rewriteAside({
      userIds: [...byName.keys()],
      change: (event, asideAt) => renamed(event, asideAt, byName.get(event.user_id)),
    })
    const isFailing = failures.length > 0
    if (isFailing && !this.#isFailing) {
      const codes = [...new Set(failures)].join(', ')
      this.#logger.warn(
        `usage: erased persons may still be named in what was put aside on disk (${codes})`,
      )
    }
    this.#isFailing = isFailing
    return !isFailing
  }
}

function renamed(event: UnrecordedEvent, asideAt: Date, renaming: Renaming | undefined) {
  if (renaming === undefined) return undefined
  const { until } = renaming
  if (!(event.timestamp < until || asideAt < until)) return undefined
  const anonymous = { ...event, user_id: renaming.to }
  for (const name of telling) Reflect.deleteProperty(anonymous, name)
  return anonymous
}
