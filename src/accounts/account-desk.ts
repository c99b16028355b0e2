import type { Rules } from '../limits/rules.js'
import { moved, retryMoved } from '../retry-moved.js'
import type { AccountDoc, AccountSettings } from '../store/account-store.js'
import type { Store } from '../store/store.js'
import { parseAccountChange, type SetFields } from './account-input.js'

type Door = Pick<Store, 'accounts' | 'audit'> & { db: Pick<Store['db'], 'serverNow'> }

/** Changes what is set for accounts: every change is checked, audited, and in use here at once. */
export class AccountDesk {
  readonly #store: Door
  readonly #rules: Pick<Rules, 'accounts' | 'book'>

  constructor(store: Door, rules: Pick<Rules, 'accounts' | 'book'>) {
    this.#store = store
    this.#rules = rules
  }

  /**
   * Changes an account; one that was never seen is made.
   * @throws UsageError `invalid_account`, or `conflict` when others change it all the time
   */
  async change(userId: string, input: unknown, actor: string): Promise<AccountSettings> {
    const changed = await retryMoved(() => this.#change(userId, input, actor))
    await this.#rules.accounts.refresh()
    return changed
  }

  async #change(userId: string, input: unknown, actor: string) {
    const account = await this.#store.accounts.find(userId)
    const before = account?.settings
    const now = await this.#store.db.serverNow()
    const planOf = (tier: string | undefined) => this.#planOf(tier, account)
    const fields = parseAccountChange(input, before ?? {}, planOf, { now, actor })
    const stamps = { revision: (before?.revision ?? 0) + 1, updated_at: now, updated_by: actor }
    const after = { ...fields, ...stamps }
    const entry = {
      ...{ actor, action: 'account.update', resource: 'account', resource_id: userId },
      ...(before && { before: { ...settable(before) } }),
      after: { ...fields },
    }
    await this.#store.audit.during(entry, async () => {
      if (!(await this.#store.accounts.putSettings(userId, after))) throw moved('The account')
    })
    return after
  }

  #planOf(tier: string | undefined, account: AccountDoc | undefined) {
    if (tier !== undefined) return this.#rules.book.find(tier)
    return this.#rules.book.of(account?.seen_tier || undefined)
  }
}

function settable({ tier, overrides, blocked }: AccountSettings): SetFields {
  return {
    ...(tier !== undefined && { tier }),
    ...(overrides && { overrides }),
    ...(blocked && { blocked }),
  }
}
