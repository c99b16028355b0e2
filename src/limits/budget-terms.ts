import * as z from 'zod'
import type { Limit } from './plan.js'

/** A money budget as it is written down in a plan. */
export interface BudgetOptions {
  /** Calendar periods in the billing zone. Default 'month'. */
  period?: 'day' | 'month' | undefined
  /** US dollars. */
  limitUsd: number
  /** `soft` lets through what goes beyond it, and says so. Default 'soft'. */
  enforcement?: 'hard' | 'soft' | undefined
  /** Whether the most that an operation can cost is held while it runs. Default 'typical'. */
  reservation?: 'typical' | 'strict' | undefined
  /** Percent of it at which `usage.on('threshold')` is told. Default [50, 75, 90, 100]. */
  thresholds?: readonly number[] | undefined
}

/** Budgets that need not be spelt out: $10 and $100 a month, soft. */
export type BudgetPreset = 'monthly-10' | 'monthly-100'

/** A money budget as it is stored and shown. */
export interface BudgetTerms {
  readonly period: (typeof budgetPeriods)[number]
  readonly limit_usd: number
  readonly enforcement: 'hard' | 'soft'
  readonly reservation: 'typical' | 'strict'
  readonly thresholds: readonly number[]
}

export const budgetPeriods = ['day', 'month'] as const

/** @internal */
export const thresholdsSchema = z
  .array(z.number().gt(0).max(1_000))
  .min(1)
  .max(10)
  .transform((given) => [...new Set(given)].sort((a, b) => a - b))

const preset = z.enum(['monthly-10', 'monthly-100'])
const rest = {
  period: z.enum(budgetPeriods).default('month'),
  enforcement: z.enum(['hard', 'soft']).default('soft'),
  reservation: z.enum(['typical', 'strict']).default('typical'),
  thresholds: thresholdsSchema.default([50, 75, 90, 100]),
}
const usd = z.number().gt(0).max(1_000_000_000)
const written = z.strictObject({ limitUsd: usd, ...rest })

/** What can be said of a budget over HTTP. @internal */
export const budgetFields = { limit_usd: usd, ...rest }

/** A budget as HTTP says it: its terms, or a preset's name. @internal */
export const budgetBody = z
  .union([preset, z.strictObject(budgetFields)])
  .transform((given): BudgetTerms => (typeof given === 'string' ? presetTerms(given) : given))

/** A plan's budget, as options say it. @internal */
export const budgetSchema = z.union([preset, written]).transform((given): BudgetTerms => {
  if (typeof given === 'string') return presetTerms(given)
  const { limitUsd, ...more } = given
  return { limit_usd: limitUsd, ...more }
})

export function presetTerms(name: BudgetPreset): BudgetTerms {
  const limitUsd = name === 'monthly-10' ? 10 : 100
  const { limitUsd: limit_usd, ...more } = written.parse({ limitUsd })
  return { limit_usd, ...more }
}

const prefix = 'budget-'

/** Names of this form belong to budgets. */
export function isBudgetName(name: string): boolean {
  return name.startsWith(prefix)
}

/** A budget is a limit of cost, with a name of its own. */
export function budgetLimit(terms: BudgetTerms): Limit {
  const { period, limit_usd, enforcement, reservation, thresholds } = terms
  return Object.freeze({
    name: `${prefix}${period}`,
    metric: 'cost',
    window: period,
    limit: Math.round(limit_usd * 1e9),
    enforcement,
    reservation,
    thresholds,
  })
}

/** The terms of a limit that is a budget. */
export function termsOf({
  window,
  limit,
  enforcement,
  reservation,
  thresholds,
}: Limit): BudgetTerms {
  return {
    period: window === 'day' ? 'day' : 'month',
    limit_usd: limit / 1e9,
    enforcement: enforcement === 'hard' ? 'hard' : 'soft',
    reservation,
    thresholds: thresholds ?? [],
  }
}
