import * as z from 'zod'
import { UsageError } from '../errors.js'
import { instant, parseInput } from '../parse-input.js'
import { parseIdentifier } from '../identity/user-id.js'
import { budgetBody, type BudgetTerms } from '../limits/budget-terms.js'
import type { Plan } from '../limits/plan.js'
import type { AccountSettings } from '../store/account-store.js'
import { isTimezone } from '../time.js'

/** What of an account an admin sets. */
export type SetFields = Pick<
  AccountSettings,
  'tier' | 'overrides' | 'blocked' | 'org_id' | 'timezone'
>

const override = z.strictObject({
  name: z.string().min(1).max(64),
  limit: z.number().min(0).max(1_000_000_000_000).nullable(),
  until: instant.optional(),
})

const change = z.strictObject({
  tier: z.string().min(1).max(64).nullish(),
  overrides: z.array(override).max(50).nullish(),
  blocked: z
    .strictObject({
      reason: z
        .string()
        .min(1)
        .max(500)
        .regex(/^[^\p{Cc}]+$/u, 'must be printable'),
    })
    .nullish(),
  org_id: z
    .string()
    .refine((value) => parseIdentifier(value) !== undefined, 'must be an id')
    .nullish(),
  timezone: z.string().refine(isTimezone, 'must be an IANA time zone').nullish(),
  budget: budgetBody.nullish(),
})

type Change = z.infer<typeof change>

export interface AccountMoment {
  readonly now: Date
  /** User id of the admin. */
  readonly actor: string
}

/** The plans, as far as an account is concerned. */
export interface AccountPlans {
  /** Undefined: there is no such tier. */
  find(tier: string): Plan | undefined
  /** The plan that holds for a tier, be there none of that name; undefined: where none is set. */
  of(tier: string | undefined): Plan
}

/** What the body of `PATCH /users/:user_id` asks for. */
export interface AccountChange {
  readonly fields: SetFields
  /** Null: the user's own budgets are taken away; undefined: they stay. */
  readonly budget: BudgetTerms | null | undefined
}

/**
 * Reads the body of `PATCH /users/:user_id` over what is set: null takes a field away, what is not
 * named stays.
 * @throws UsageError `invalid_body` when it is no object, `invalid_account` naming field and rule
 */
export function parseAccountChange(
  input: unknown,
  before: SetFields,
  plans: AccountPlans,
  moment: AccountMoment,
): AccountChange {
  const given = parseInput(change, input, 'invalid_account', 'an account')
  const tier = given.tier === undefined ? before.tier : (given.tier ?? undefined)
  const isUnknown = typeof given.tier === 'string' && plans.find(given.tier) === undefined
  if (isUnknown) throw invalid('tier', 'is no plan')
  const overrides = overridesOf(given, before, plans.of(tier), moment.now)
  const blocked = blockedOf(given, before, moment)
  const org_id = given.org_id === undefined ? before.org_id : (given.org_id ?? undefined)
  const timezone = given.timezone === undefined ? before.timezone : (given.timezone ?? undefined)
  const fields = {
    ...(tier !== undefined && { tier }),
    ...(overrides && { overrides }),
    ...(blocked && { blocked }),
    ...(org_id !== undefined && { org_id }),
    ...(timezone !== undefined && { timezone }),
  }
  return { fields, budget: given.budget }
}

function overridesOf(given: Change, before: SetFields, plan: Plan, now: Date) {
  if (given.overrides === undefined) return before.overrides
  if (given.overrides === null || given.overrides.length === 0) return undefined
  const metrics = new Map(plan.limits.map(({ name, metric }) => [name, metric]))
  const seen = new Set<string>()
  return given.overrides.map(({ name, limit, until }, index) => {
    const field = `overrides.${index}`
    const metric = metrics.get(name)
    if (metric === undefined) throw invalid(`${field}.name`, `is no limit of the plan ${plan.tier}`)
    if (seen.has(name)) throw invalid(`${field}.name`, 'must be given once')
    seen.add(name)
    if (limit !== null && metric !== 'cost' && !Number.isInteger(limit)) {
      throw invalid(`${field}.limit`, 'must be a whole number')
    }
    if (until && until <= now) throw invalid(`${field}.until`, 'must lie in the future')
    return { name, limit, ...(until && { until }) }
  })
}

function blockedOf(given: Change, before: SetFields, { now, actor }: AccountMoment) {
  if (given.blocked === undefined) return before.blocked
  if (given.blocked === null) return undefined
  const { reason } = given.blocked
  return before.blocked?.reason === reason ? before.blocked : { reason, since: now, by: actor }
}

function invalid(field: string, rule: string): UsageError {
  return new UsageError('invalid_account', `${field} ${rule}`, { details: { field } })
}
