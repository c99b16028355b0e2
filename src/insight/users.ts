import { usdOf } from '../event.js'
import { tokensPerMonth, type Metric, type Plan } from '../limits/plan.js'
import type { PlanBook } from '../limits/plans.js'
import { addFigures, noFigures, type Figures } from '../rollup/cells.js'
import type { AccountDoc, AccountQuery, Tiers } from '../store/account-store.js'
import { lastDays, type Span } from '../time.js'
import { planRead, type Freshness } from './plan.js'
import { costUsd, tokensOf } from './rates.js'
import { freshness, type InsightDoor } from './timeline.js'

/** One row of `GET /users`. */
export interface UserRow {
  user_id: string
  subscription_tier: string
  state: 'active' | 'blocked'
  /** What was done today; the limits are those of the plan per day, null where it has none. */
  today: {
    requests: number
    requests_limit: number | null
    tokens: number
    tokens_limit: number | null
    cost_usd: number | null
    cost_limit_usd: number | null
  }
  totals: { operations: number; tokens: number; cost_usd: number | null }
  subscription_limit: number | null
  first_seen: Date
  last_active: Date
}

/** Which accounts, and of which plan. */
export type UsersQuery = Omit<AccountQuery, 'tiers'> & { readonly tier?: string }

/** The tiers whose users have the plan of one: the default plan is also of those that have none. */
function tiersOf(plans: PlanBook, tier: string): Tiers {
  if (tier === plans.of(undefined).tier)
    return { other: plans.tiers().filter((one) => one !== tier) }
  return { among: plans.find(tier) ? [tier] : [] }
}

/** What users did in a span. */
interface Done {
  figures: Figures
  last: Date
}

/**
 * A page of accounts with what each did today and ever. What is of today is current; totals are those
 * of the last roll-up, which the order is by, too: a few minutes old, or a quarter of an hour where
 * thousands are active.
 */
export async function users(
  store: InsightDoor,
  plans: PlanBook,
  { tier, ...query }: UsersQuery,
  zone: { now: number; timezone: string },
): Promise<{ rows: UserRow[]; accounts: AccountDoc[] }> {
  const tiers = tier === undefined ? {} : { tiers: tiersOf(plans, tier) }
  const accounts = await store.accounts.page({ ...query, ...tiers })
  if (accounts.length === 0) return { rows: [], accounts }
  const ids = accounts.map((account) => account._id)
  const today = lastDays(zone.now, 1, zone.timezone)
  const todays = await doneBy(store, ids, today, await freshness(store))
  const rows = accounts.map((account) =>
    userRow(
      account,
      plans.ofUser(account._id, account.seen_tier || undefined),
      todays.get(account._id),
    ),
  )
  return { rows, accounts }
}

async function doneBy(
  store: InsightDoor,
  ids: readonly string[],
  span: Span,
  trust: Freshness,
): Promise<Map<string, Done>> {
  const plan = planRead(span, trust)
  const [days, intervals, rows] = await Promise.all([
    store.days.sums(plan.days, ids),
    store.intervals.sums(plan.intervals, ids),
    store.rows.readUsers(plan.log, ids),
  ])
  const done = new Map<string, Done>()
  for (const { user_id, last_activity_at, ...figures } of [...days, ...intervals, ...rows]) {
    const into = done.get(user_id) ?? { figures: noFigures(), last: new Date(0) }
    addFigures(into.figures, figures)
    if (last_activity_at > into.last) into.last = last_activity_at
    done.set(user_id, into)
  }
  return done
}

function userRow(account: AccountDoc, plan: Plan, today?: Done): UserRow {
  const last = today?.last ?? account.last_active_at
  return {
    user_id: account._id,
    subscription_tier: plan.tier,
    state: account.settings?.blocked ? 'blocked' : 'active',
    today: {
      requests: today?.figures.operations ?? 0,
      requests_limit: perDay(plan, 'requests'),
      tokens: today ? tokensOf(today.figures) : 0,
      tokens_limit: perDay(plan, 'tokens'),
      cost_usd: today ? costUsd(today.figures) : 0,
      cost_limit_usd: usdOrNull(perDay(plan, 'cost')),
    },
    totals: {
      operations: account.total_operations,
      tokens: account.total_tokens,
      cost_usd: costUsd({
        cost_nano_usd: account.total_cost_nano_usd,
        unpriced_operations: account.total_unpriced_operations ?? 0,
      }),
    },
    subscription_limit: tokensPerMonth(plan),
    first_seen: account.first_seen_at,
    last_active: last > account.last_active_at ? last : account.last_active_at,
  }
}

function perDay({ limits }: Plan, metric: Metric): number | null {
  const daily = limits.filter((one) => one.metric === metric && one.window === 'day')
  return daily.length === 0 ? null : Math.min(...daily.map((one) => one.limit))
}

function usdOrNull(nano: number | null): number | null {
  return nano === null ? null : usdOf(nano)
}
