import type { Clock } from '../clock.js'
import { KeptChanges } from '../kept-changes.js'
import { requestWaitMs } from '../kept-fresh.js'
import type { Logger } from '../logger.js'
import type { Plan } from '../limits/plan.js'
import type { AccountSettings } from '../store/account-store.js'
import { adjustedPlan } from './adjusted-plan.js'

/** The store, as it is read here. */
export interface AccountDoor {
  /** Settings that were changed at this instant or after it; all where none is given. */
  settingsSince(since: Date | undefined): Promise<{ user_id: string; settings: AccountSettings }[]>
}

/** What is set for one account. */
interface Known {
  readonly user_id: string
  readonly settings: AccountSettings
  readonly updated_at: Date
}

/** What admins have set for accounts, as this process knows it: only accounts with settings are held. */
export class KnownAccounts extends KeptChanges<Known> {
  readonly #door: AccountDoor
  readonly #clock: Clock
  readonly #settings = new Map<string, AccountSettings>()

  constructor(door: AccountDoor, clock: Clock, logger: Logger) {
    super({ what: 'account settings', waitMs: requestWaitMs, clock, logger })
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

  /** Forgets what was set for an account before an instant. */
  forget(userId: string, before: Date): void {
    const known = this.#settings.get(userId)
    if (known !== undefined && known.updated_at < before) this.#settings.delete(userId)
  }

  #settingsOf(userId: string): AccountSettings | undefined {
    void this.ready()
    return this.#settings.get(userId)
  }

  protected async changedSince(since: Date | undefined): Promise<Known[]> {
    const changed = await this.#door.settingsSince(since)
    return changed.map((one) => ({ ...one, updated_at: one.settings.updated_at }))
  }

  protected take({ user_id, settings }: Known): void {
    const known = this.#settings.get(user_id)
    // The same object as long as it is the same: plans made for it are kept with it.
    if (known === undefined || isNewer(settings, known)) {
      this.#settings.set(user_id, settings)
    }
  }
}

/** Revisions begin anew where an account was erased. */
function isNewer(settings: AccountSettings, known: AccountSettings): boolean {
  return known.revision < settings.revision || known.updated_at < settings.updated_at
}

/** The first requests may come before the connection: they wait for it, a bounded time. */
export function accountDoor(accounts: AccountDoor, ready: () => Promise<void>): AccountDoor {
  return { settingsSince: (since) => ready().then(() => accounts.settingsSince(since)) }
}
