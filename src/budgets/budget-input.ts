import * as z from 'zod'
import { UsageError } from '../errors.js'
import { parseIdentifier } from '../identity/user-id.js'
import { budgetFields, presetTerms, type BudgetTerms } from '../limits/budget-terms.js'
import { parseInput } from '../parse-input.js'
import type { BudgetSubject } from './budget-subject.js'

const { limit_usd, period, enforcement, reservation, thresholds } = budgetFields
const id = z.string().refine((value) => parseIdentifier(value) !== undefined, 'must be an id')
const preset = z.enum(['monthly-10', 'monthly-100'])

const created = z
  .strictObject({
    scope: z.enum(['user', 'org', 'global']),
    user_id: id.optional(),
    org_id: id.optional(),
    preset: preset.optional(),
    ...{ limit_usd: limit_usd.optional(), period: period.unwrap().optional() },
    ...{ enforcement: enforcement.unwrap().optional() },
    ...{ reservation: reservation.unwrap().optional() },
    ...{ thresholds: thresholds.unwrap().optional() },
  })
  .refine(({ preset, limit_usd }) => (preset === undefined) !== (limit_usd === undefined), {
    path: ['limit_usd'],
    message: 'or preset must be given, and not both',
  })

const changed = z.strictObject({
  limit_usd: limit_usd.optional(),
  enforcement: enforcement.unwrap().optional(),
  reservation: reservation.unwrap().optional(),
  thresholds: thresholds.unwrap().optional(),
})

/**
 * Reads the body of `POST /budgets`.
 * @throws UsageError `invalid_body` when it is no object, `invalid_budget` naming field and rule
 */
export function parseNewBudget(input: unknown): { subject: BudgetSubject; terms: BudgetTerms } {
  const given = parseInput(created, input, 'invalid_budget', 'a budget')
  const { scope, user_id, org_id, preset, ...terms } = given
  const subject_id = { user: user_id, org: org_id, global: undefined }[scope]
  for (const [field, value, due] of [
    ['user_id', user_id, scope === 'user'],
    ['org_id', org_id, scope === 'org'],
  ] as const) {
    if ((value !== undefined) === due) continue
    throw invalid(field, due ? `must be given for the scope ${scope}` : `is not for ${scope}`)
  }
  const base = presetTerms(preset ?? 'monthly-10')
  const subject = { scope, ...(subject_id !== undefined && { subject_id }) }
  return { subject, terms: over(base, terms) }
}

/** Reads the body of `PATCH /budgets/:budget_id` over what there is. Throws like `parseNewBudget`. */
export function parseBudgetChange(input: unknown, before: BudgetTerms): BudgetTerms {
  return over(before, parseInput(changed, input, 'invalid_budget', 'a budget that exists'))
}

type Given = { readonly [Field in keyof BudgetTerms]?: BudgetTerms[Field] | undefined }

function over(base: BudgetTerms, given: Given): BudgetTerms {
  return {
    period: given.period ?? base.period,
    limit_usd: given.limit_usd ?? base.limit_usd,
    enforcement: given.enforcement ?? base.enforcement,
    reservation: given.reservation ?? base.reservation,
    thresholds: given.thresholds ?? base.thresholds,
  }
}

function invalid(field: string, rule: string): UsageError {
  return new UsageError('invalid_budget', `${field} ${rule}`, { details: { field } })
}
