import type { BudgetTerms } from '../limits/budget-terms.js'

/** Whose money it is. */
export interface BudgetSubject {
  readonly scope: 'user' | 'org' | 'global'
  /** The user or organisation; absent for all together. */
  readonly subject_id?: string
}

/** The counter that its spending is counted in: `user:alice`, `org:acme`, `global`. */
export function counterOf({ scope, subject_id }: BudgetSubject): string {
  return subject_id === undefined ? scope : `${scope}:${subject_id}`
}

/** A subject has one budget per period. */
export function budgetId(subject: BudgetSubject, period: BudgetTerms['period']): string {
  return `${counterOf(subject)}@${period}`
}
