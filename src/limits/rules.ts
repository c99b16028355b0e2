import { accountDoor, KnownAccounts } from '../accounts/known-accounts.js'
import { counterOf } from '../budgets/budget-subject.js'
import { budgetDoor, KnownBudgets } from '../budgets/known-budgets.js'
import type { Subject } from '../capture/capture.js'
import type { Clock } from '../clock.js'
import { KnownErasures } from '../erasure/known-erasures.js'
import type { UsageEvent } from '../event.js'
import type { Logger } from '../logger.js'
import type { BudgetDoc } from '../store/budget-store.js'
import type { LateOwner } from '../store/log-sums.js'
import type { Store } from '../store/store.js'
import type { Level } from './limiter.js'
import type { Plan } from './plan.js'
import { budgetLimit } from './budget-terms.js'
import { unlimited } from './plan-options.js'
import { PlanBook, type PlanChoice } from './plans.js'
import { planDoor, StoredPlans, type PlanDefaults } from './stored-plans.js'

export interface RulesConfig extends Omit<PlanChoice, 'plans'>, PlanDefaults {
  /** The plan that each organisation is held to as a whole. */
  readonly orgPlan: string | undefined
  /** The plan that all users together are held to. */
  readonly globalPlan: string | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** What holds for whom: plans, and what admins have changed of them and of accounts. */
export class Rules {
  readonly accounts: KnownAccounts
  readonly plans: StoredPlans
  readonly budgets: KnownBudgets
  readonly erasures: KnownErasures
  readonly book: PlanBook
  readonly #config: RulesConfig
  /** Of organisations, and of all together, where the options name none. */
  readonly #noPlan: Plan

  constructor(config: RulesConfig, store: Store, ready: () => Promise<void>) {
    this.#config = config
    const { clock, logger, defaultPlan } = config
    this.accounts = new KnownAccounts(accountDoor(store.accounts, ready), clock, logger)
    this.plans = new StoredPlans(planDoor(store.plans, ready), config, clock, logger)
    this.budgets = new KnownBudgets(budgetDoor(store.budgets, ready), clock, logger)
    const erased = { since: (since?: Date) => ready().then(() => store.erasures.since(since)) }
    this.erasures = new KnownErasures(erased, clock, logger)
    this.erasures.onErased((userId, until) => {
      this.accounts.forget(userId, until)
      this.budgets.forget(`user:${userId}`, until)
    })
    this.#noPlan = Object.freeze({ tier: '', ...unlimited, onStoreError: config.onStoreError })
    const { accounts, budgets } = this
    const adjusted = {
      tierOf: (userId: string) => accounts.tierOf(userId),
      adjust: (userId: string, plan: Plan) =>
        budgets.adjust(`user:${userId}`, accounts.adjust(userId, plan)),
    }
    this.book = new PlanBook({ ...config, plans: this.plans }, adjusted, (tier) =>
      logger.warn(`usage: unknown tier ${JSON.stringify(tier)}, treated as ${defaultPlan}`),
    )
  }

  /** Waits, for a bounded time, only where what is known is too old. False: it is known no better. */
  ready(): Promise<boolean> | undefined {
    const accounts = this.accounts.ready()
    const plans = this.plans.ready()
    const budgets = this.budgets.ready()
    const erasures = this.erasures.ready()
    if (accounts === undefined && plans === undefined && !budgets && !erasures) return undefined
    return Promise.all([accounts, plans, budgets, erasures]).then((known) => !known.includes(false))
  }

  /** All that a request of somebody must fit; those that limit nothing are left out. */
  levelsOf(subject: Subject): Level[] {
    const { user_id, org_id } = subject
    return this.#levels(
      this.book.ofSubject(subject),
      user_id,
      this.accounts.orgOf(user_id) ?? org_id,
    )
  }

  /** The same for an operation that is over. */
  levelsOfEvent({ user_id, org_id, tier }: Pick<UsageEvent, 'user_id' | 'org_id' | 'tier'>) {
    return this.#levels(this.book.ofUser(user_id, tier), user_id, org_id)
  }

  /**
   * What users are held to by their operations; who was erased lately is held to nothing more. Rejects
   * where what is set for them cannot be read.
   */
  async levelsOfLate(owners: readonly LateOwner[]): Promise<readonly Level[]> {
    const { accounts, plans, budgets, erasures } = this
    await Promise.all([accounts, plans, budgets, erasures].map((one) => one.load()))
    const erased = new Set(this.erasures.open.map(({ user_id }) => user_id))
    const left = owners.filter(({ user_id }) => !erased.has(user_id))
    return left.flatMap((owner) => this.levelsOfEvent(owner))
  }

  /** What a user's organisation is held to, if it is. */
  orgLevelOf(userId: string, orgId: string | undefined): Level | undefined {
    const levels: Level[] = []
    const org = this.accounts.orgOf(userId) ?? orgId
    if (org !== undefined) this.#add(levels, this.#config.orgPlan, `org:${org}`)
    return levels[0]
  }

  /** A budget by itself. */
  levelOfBudget(budget: BudgetDoc): Level {
    const subject = counterOf(budget)
    const timezone = this.zoneOf(subject)
    return { subject, plan: { ...this.#noPlan, limits: [budgetLimit(budget)], timezone } }
  }

  /** The zone set for whom a counter belongs to; undefined: the billing zone. */
  zoneOf(subject: string): string | undefined {
    if (!subject.startsWith('user:')) return undefined
    return this.accounts.timezoneOf(subject.slice('user:'.length))
  }

  #levels(plan: Plan, userId: string, orgId: string | undefined): Level[] {
    const { orgPlan, globalPlan } = this.#config
    const levels: Level[] = limits(plan) ? [{ subject: `user:${userId}`, plan }] : []
    if (orgId !== undefined) this.#add(levels, orgPlan, `org:${orgId}`)
    this.#add(levels, globalPlan, 'global')
    return levels
  }

  #add(levels: Level[], tier: string | undefined, subject: string): void {
    const base = (tier === undefined ? undefined : this.plans.get(tier)) ?? this.#noPlan
    const plan = this.budgets.adjust(subject, base)
    if (limits(plan)) levels.push({ subject, plan })
  }
}

function limits({ limits, concurrency }: Plan): boolean {
  return limits.length > 0 || concurrency !== null
}
