import type {
  BudgetActions,
  BudgetNow,
  PlanActions,
  PriceActions,
  RouteContext,
} from '../routes/context.js'
import { AccountDesk } from './accounts/account-desk.js'
import { BudgetDesk } from './budgets/budget-desk.js'
import { UsageError } from './errors.js'
import type { House } from './house.js'
import { budgetState } from './insight/budget-state.js'
import { PlanDesk } from './limits/plan-desk.js'
import type { Config } from './config.js'
import { PriceDesk } from './pricing/price-desk.js'
import type { BudgetDoc } from './store/budget-store.js'

type Admin = Pick<RouteContext, 'prices' | 'accounts' | 'plans' | 'budgets'>

/** What admins can do. */
export function adminActions(config: Pick<Config, 'clock'>, house: House): Admin {
  return {
    prices: priceActions(house),
    accounts: accountDesk(house),
    plans: planActions(house),
    budgets: budgetActions(config, house),
  }
}

function priceActions({ store, prices }: House): PriceActions {
  const desk = new PriceDesk(store, () => prices.refresh())
  return {
    page: (filter, after, limit) => store.prices.page(filter, after, limit),
    create: (input, actor) => desk.create(input, actor),
    change: (id, input, actor) => desk.change(id, input, actor),
    remove: (id, actor) => desk.remove(id, actor),
  }
}

function planActions({ store, limits: { rules } }: House): PlanActions {
  const desk = new PlanDesk(store, rules.plans)
  return {
    list: async () => {
      await rules.plans.load()
      return rules.plans.list()
    },
    change: (tier, input, actor) => desk.change(tier, input, actor),
    remove: (tier, actor) => desk.remove(tier, actor),
  }
}

function accountDesk(house: House): AccountDesk {
  const { store, limits } = house
  return new AccountDesk(store, limits.rules, budgetDesk(house), {
    onZone: (userId, zone) =>
      limits.countFromLog(`user:${userId}`, limits.limiter.calendarOf(zone)),
    onTier: (userId, tier) => {
      const { limits: terms } = limits.rules.book.of(tier)
      const limited = terms.map(({ window }) => window)
      return limits.countFromLog(`user:${userId}`, undefined, limited)
    },
  })
}

function budgetDesk({ store, limits }: House): BudgetDesk {
  return new BudgetDesk(store, {
    // What was spent before it was made counts, also where nothing was counted so far.
    onPut: (counter) => limits.countFromLog(counter),
    onChange: () => limits.rules.budgets.refresh(),
  })
}

function budgetActions({ clock }: Pick<Config, 'clock'>, house: House): BudgetActions {
  const { store, limits } = house
  const desk = budgetDesk(house)
  const withStates = async (budgets: readonly BudgetDoc[]): Promise<BudgetNow[]> => {
    const levels = budgets.map((budget) => limits.rules.levelOfBudget(budget))
    const standings = await limits.limiter.lookAll(levels)
    return budgets.flatMap((budget, index) => {
      const [standing] = standings[index] ?? []
      return standing ? [{ budget, state: budgetState(standing, clock.now()) }] : []
    })
  }
  const withState = async (changing: Promise<BudgetDoc>): Promise<BudgetNow> => {
    const [now] = await withStates([await changing])
    if (now === undefined) throw new UsageError('internal', 'A budget has no state')
    return now
  }
  return {
    page: async (...asked) => withStates(await store.budgets.page(...asked)),
    find: (id) => withState(desk.find(id)),
    create: (input, actor) => withState(desk.create(input, actor)),
    change: (id, input, actor) => withState(desk.change(id, input, actor)),
    remove: (id, actor) => withState(desk.remove(id, actor)),
  }
}
