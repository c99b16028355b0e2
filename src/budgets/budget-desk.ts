import { UsageError } from '../errors.js'
import type { BudgetTerms } from '../limits/budget-terms.js'
import { moved, retryMoved } from '../retry-moved.js'
import type { BudgetDoc } from '../store/budget-store.js'
import type { Store } from '../store/store.js'
import { parseBudgetChange, parseNewBudget } from './budget-input.js'
import { budgetId, counterOf, type BudgetSubject } from './budget-subject.js'

type Door = Pick<Store, 'budgets' | 'audit'> & { db: Pick<Store['db'], 'serverNow'> }

export interface BudgetHooks {
  /** A subject has a budget, counted in this counter. */
  onPut(counter: string): Promise<void>
  onChange(): Promise<void>
}

const what = 'The budget'

/** Keeps the stored budgets: every change is checked, audited, and in use here at once. */
export class BudgetDesk {
  readonly #store: Door
  readonly #hooks: BudgetHooks

  constructor(store: Door, hooks: BudgetHooks) {
    this.#store = store
    this.#hooks = hooks
  }

  /** @throws UsageError `invalid_budget`, or `conflict` where there is one of that subject and period */
  async create(input: unknown, actor: string): Promise<BudgetDoc> {
    const { subject, terms } = parseNewBudget(input)
    return this.#put(subject, terms.period, actor, 'create', (before) => {
      if (before === undefined) return terms
      throw new UsageError('conflict', `There is the budget ${before._id} already`)
    })
  }

  /** Creates a budget, or puts these terms in place of those there are. */
  set(subject: BudgetSubject, terms: BudgetTerms, actor: string): Promise<BudgetDoc> {
    return this.#put(subject, terms.period, actor, 'update', () => terms)
  }

  /** @throws UsageError `not_found`, `invalid_budget`, or `conflict` when others change it all the time */
  async change(id: string, input: unknown, actor: string): Promise<BudgetDoc> {
    const found = await this.find(id)
    return this.#put(found, found.period, actor, 'update', (before) =>
      parseBudgetChange(input, before ?? missing()),
    )
  }

  /** @throws UsageError `not_found` */
  async remove(id: string, actor: string): Promise<BudgetDoc> {
    const found = await this.find(id)
    return this.#put(found, found.period, actor, 'delete', (before) => before ?? missing())
  }

  /** Removes a budget where there is one. */
  async clear(id: string, actor: string): Promise<void> {
    if (holding(await this.#store.budgets.find(id)) !== undefined) await this.remove(id, actor)
  }

  /** @throws UsageError `not_found` */
  async find(id: string): Promise<BudgetDoc> {
    return holding(await this.#store.budgets.find(id)) ?? missing()
  }

  async #put(
    subject: BudgetSubject,
    period: BudgetTerms['period'],
    actor: string,
    verb: 'create' | 'update' | 'delete',
    decide: (before: BudgetDoc | undefined) => BudgetTerms,
  ): Promise<BudgetDoc> {
    const _id = budgetId(subject, period)
    const put = await retryMoved(async () => {
      const stored = await this.#store.budgets.find(_id)
      const before = holding(stored)
      const terms = termsIn(decide(before))
      const now = await this.#store.db.serverNow()
      const { scope, subject_id } = subject
      const after: BudgetDoc = {
        ...{ _id, scope, ...(subject_id !== undefined && { subject_id }), ...terms },
        ...(verb === 'delete' && { deleted: true }),
        revision: (stored?.revision ?? 0) + 1,
        ...{ created_at: before?.created_at ?? now, updated_at: now, updated_by: actor },
      }
      const entry = {
        ...{ actor, action: `budget.${verb}`, resource: 'budget', resource_id: _id },
        ...(before && { before: { ...termsIn(before) } }),
        ...(verb !== 'delete' && { after: { ...terms } }),
      }
      await this.#store.audit.during(entry, async () => {
        if (!(await this.#store.budgets.put(after))) throw moved(what)
      })
      return after
    })
    if (verb !== 'delete') await this.#hooks.onPut(counterOf(put))
    await this.#hooks.onChange()
    return put
  }
}

function holding(doc: BudgetDoc | undefined): BudgetDoc | undefined {
  return doc?.deleted ? undefined : doc
}

function missing(): never {
  throw new UsageError('not_found', 'There is no such budget')
}

function termsIn({ period, limit_usd, enforcement, reservation, thresholds }: BudgetTerms) {
  return { period, limit_usd, enforcement, reservation, thresholds }
}
