import type { UsageEvent } from '../event.js'
import type { Quota } from '../insight/quota.js'
import { costUsd } from '../insight/rates.js'
import type { DayDoc } from '../rollup/documents.js'
import type { AccountDoc } from '../store/account-store.js'
import type { AuditDoc } from '../store/audit-store.js'
import type { BudgetDoc } from '../store/budget-store.js'
import type { Store } from '../store/store.js'

/** One fact of what is stored of a person: nothing of anybody else is in it. */
export type Fact =
  | { readonly type: 'log'; readonly log: UsageEvent }
  | {
      readonly type: 'account' | 'budget' | 'quota' | 'day' | 'audit'
      readonly [member: string]: unknown
    }

type Door = Pick<Store, 'accounts' | 'persons'>

/** Facts read at once. */
const batchSize = 200

/**
 * Everything that is stored of a user, a batch at a time, each read when the one before it has been
 * taken: the account, budgets, quota, days (oldest first), operations (newest first), changes.
 */
export async function* factsOf(
  store: Door,
  userId: string,
  quota: Quota,
): AsyncGenerator<readonly Fact[]> {
  const account = await store.accounts.find(userId)
  const budgets = await store.persons.facts.budgets(userId)
  yield [
    ...(account ? [{ type: 'account' as const, account: accountFact(account) }] : []),
    ...budgets.map((budget) => ({ type: 'budget' as const, budget: budgetFact(budget) })),
    { type: 'quota', quota },
  ]
  for await (const days of store.persons.days.all(userId, batchSize)) {
    yield days.map((day) => ({ type: 'day', day: dayFact(day) }))
  }
  for await (const logs of store.persons.logs.all(userId, batchSize)) {
    yield logs.map((log) => ({ type: 'log', log }))
  }
  for await (const entries of store.persons.facts.changes(userId, batchSize)) {
    yield entries.map((entry) => ({ type: 'audit', audit: changeFact(entry, userId) }))
  }
}

function accountFact({ first_seen_at, last_active_at, seen_tier, settings }: AccountDoc) {
  const { tier, overrides = [], blocked, org_id, timezone } = settings ?? {}
  return {
    ...{ first_seen_at, last_active_at, seen_tier: seen_tier || null },
    ...{ tier: tier ?? null, org_id: org_id ?? null, timezone: timezone ?? null },
    overrides: overrides.map((one) => ({ ...one, until: one.until ?? null })),
    blocked: blocked ? { reason: blocked.reason, since: blocked.since } : null,
  }
}

function budgetFact(budget: BudgetDoc) {
  const { period, limit_usd, enforcement, reservation, thresholds, created_at } = budget
  return { period, limit_usd, enforcement, reservation, thresholds, created_at }
}

function dayFact(day: Omit<DayDoc, 'cells'>) {
  return {
    date: day.date.toISOString().slice(0, 10),
    operations: day.total_operations,
    failed_operations: day.failed_operations,
    input_tokens: day.input_tokens,
    output_tokens: day.output_tokens,
    tokens: day.total_tokens,
    cost_usd: costUsd(day),
  }
}

/** What was changed of the person; of what they changed elsewhere, only that they did. */
function changeFact(entry: AuditDoc, userId: string) {
  const { at, action, resource, outcome } = entry
  const isOwn = entry.actor === userId
  const isAbout =
    (resource === 'account' && entry.resource_id === userId) ||
    (resource === 'budget' && entry.resource_id.startsWith(`user:${userId}@`))
  const shown = { at, action, resource, outcome, by: isOwn ? userId : null }
  if (!isAbout) return { ...shown, before: null, after: null }
  return { ...shown, before: withoutOthers(entry.before), after: withoutOthers(entry.after) }
}

function withoutOthers(side: Record<string, unknown> | undefined) {
  if (side === undefined) return null
  const { blocked, ...rest } = side as { blocked?: { reason: string; since: Date } }
  return { ...rest, ...(blocked && { blocked: { reason: blocked.reason, since: blocked.since } }) }
}
