import type { Clock } from '../clock.js'
import { KeptFresh } from '../kept-fresh.js'
import type { Logger } from '../logger.js'
import type { Plan } from '../limits/plan.js'
import type { AccountSettings } from '../store/account-store.js'
import { adjustedPlan } from './adjusted-plan.js'

/** The store, as it is read here. */
export interface AccountDoor {
  /** Settings that were changed at this instant or after it; all where none is given. */
  settingsSince(since: Date | undefined): Promise<{ user_id: string; settings: AccountSettings }[]>
}

/** How long a request waits for a database that does not answer before it goes by what is known, ms. */
const waitMs = 250
/** A change may become visible this long after the instant it bears, ms. */
const overlapMs = 15_000

/** What admins have set for accounts, as this process knows it: only accounts with settings are held. */
export class KnownAccounts extends KeptFresh {
  readonly #door: AccountDoor
  readonly #clock: Clock
  readonly #settings = new Map<string, AccountSettings>()
  #latest: number | undefined

  constructor(door: AccountDoor, clock: Clock, logger: Logger) {
    super({ what: 'account settings', waitMs, clock, logger })
    this.#door = door
    this.#clock = clock
  }

  /** The tier set for an account; undefined: none. */
  tierOf(userId: string): string | undefined {
    return this.#settingsOf(userId)?.tier
  }

  /** The organisation set for an account; undefined: none. */
  orgOf(userId: string): string | undefined {
    return this.#settingsOf(userId)?.org_id
  }

  /** The zone set for an account; undefined: the billing zone. */
  timezoneOf(userId: string): string | undefined {
    return this.#settingsOf(userId)?.timezone
  }

  /** A plan as it holds for an account; the same object as long as it is the same plan. */
  adjust(userId: string, plan: Plan): Plan {
    const settings = this.#settingsOf(userId)
    return settings === undefined ? plan : adjustedPlan(plan, settings, this.#clock.now())
  }

  /** Why an account may do nothing; undefined: it may. */
  blockOf(userId: string): AccountSettings['blocked'] {
    return this.#settingsOf(userId)?.blocked
  }

  #settingsOf(userId: string): AccountSettings | undefined {
    void this.ready()
    return this.#settings.get(userId)
  }

  protected async read(): Promise<void> {
    const since = this.#latest === undefined ? undefined : new Date(this.#latest - overlapMs)
    for (const { user_id, settings } of await this.#door.settingsSince(since)) {
      const known = this.#settings.get(user_id)
      // The same object as long as it is the same: plans made for it are kept with it.
      if (known === undefined || known.revision < settings.revision) {
        this.#settings.set(user_id, settings)
      }
      this.#latest = Math.max(this.#latest ?? 0, settings.updated_at.getTime())
    }
  }
}

/** The first requests may come before the connection: they wait for it, a bounded time. */
export function accountDoor(accounts: AccountDoor, ready: () => Promise<void>): AccountDoor {
  return { settingsSince: (since) => ready().then(() => accounts.settingsSince(since)) }
}
