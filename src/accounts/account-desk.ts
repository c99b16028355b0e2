import type { BudgetDesk } from '../budgets/budget-desk.js'
import { budgetId } from '../budgets/budget-subject.js'
import { budgetPeriods } from '../limits/budget-terms.js'
import type { Rules } from '../limits/rules.js'
import { moved, retryMoved } from '../retry-moved.js'
import type { AccountDoc, AccountSettings } from '../store/account-store.js'
import type { Store } from '../store/store.js'
import { parseAccountChange, type AccountPlans, type SetFields } from './account-input.js'

type Door = Pick<Store, 'accounts' | 'audit'> & { db: Pick<Store['db'], 'serverNow'> }

export interface AccountHooks {
  /** A user is about to have other days and months; undefined: those of the billing zone. */
  onZone(userId: string, timezone: string | undefined): Promise<void>
  /** A user is about to have the plan of another tier, which may limit what was not counted so far. */
  onTier(userId: string, tier: string): Promise<void>
}

/** Changes what is set for accounts: every change is checked, audited, and in use here at once. */
export class AccountDesk {
  readonly #store: Door
  readonly #rules: Pick<Rules, 'accounts' | 'book'>
  readonly #budgets: BudgetDesk
  readonly #hooks: AccountHooks

  constructor(
    store: Door,
    rules: Pick<Rules, 'accounts' | 'book'>,
    budgets: BudgetDesk,
    hooks: AccountHooks,
  ) {
    this.#store = store
    this.#rules = rules
    this.#budgets = budgets
    this.#hooks = hooks
  }

  /**
   * Changes an account; one that was never seen is made.
   * @throws UsageError `invalid_account`, or `conflict` when others change it all the time
   */
  async change(userId: string, input: unknown, actor: string): Promise<AccountSettings> {
    const changed = await retryMoved(() => this.#change(userId, input, actor))
    const { before, settings, budget } = changed
    if (settings.timezone !== before?.timezone) {
      // What cannot be counted now is healed later.
      await this.#hooks.onZone(userId, settings.timezone).catch(() => undefined)
    }
    if (settings.tier !== undefined && settings.tier !== before?.tier) {
      await this.#hooks.onTier(userId, settings.tier).catch(() => undefined)
    }
    await this.#rules.accounts.refresh()
    const subject = { scope: 'user', subject_id: userId } as const
    if (budget) await this.#budgets.set(subject, budget, actor)
    if (budget === null) {
      for (const period of budgetPeriods) {
        await this.#budgets.clear(budgetId(subject, period), actor)
      }
    }
    return settings
  }

  async #change(userId: string, input: unknown, actor: string) {
    const account = await this.#store.accounts.find(userId)
    const before = account?.settings
    const now = await this.#store.db.serverNow()
    const plans = this.#plansOf(account)
    const { fields, budget } = parseAccountChange(input, before ?? {}, plans, { now, actor })
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
    return { before, settings: after, budget }
  }

  #plansOf(account: AccountDoc | undefined): AccountPlans {
    const { book } = this.#rules
    return {
      find: (tier) => book.find(tier),
      of: (tier) => book.of(tier ?? (account?.seen_tier || undefined)),
    }
  }
}

function settable({ tier, overrides, blocked, org_id, timezone }: AccountSettings): SetFields {
  return {
    ...(tier !== undefined && { tier }),
    ...(overrides && { overrides }),
    ...(blocked && { blocked }),
    ...(org_id !== undefined && { org_id }),
    ...(timezone !== undefined && { timezone }),
  }
}
