import * as z from 'zod'
import {
  budgetLimit,
  budgetSchema,
  isBudgetName,
  thresholdsSchema,
  type BudgetOptions,
  type BudgetPreset,
} from './budget-terms.js'
import type { Limit, Plan } from './plan.js'

/** A limit as it is written down; `cost` in US dollars. */
export interface LimitOptions {
  /** Letters, digits, `_`, `-`, `.`; unique in its plan. */
  name: string
  metric: 'requests' | 'tokens' | 'cost'
  /** Calendar windows in the billing zone. */
  window: 'minute' | 'hour' | 'day' | 'month' | 'lifetime'
  /** Operations, tokens, or US dollars; 0 allows nothing. */
  limit: number
  /** `soft` only says so; `throttle` waits a while for room before it refuses. Default 'hard'. */
  enforcement?: 'hard' | 'soft' | 'throttle' | undefined
  /** For tokens and cost: whether the most an operation can use is held. Default 'typical'. */
  reservation?: 'typical' | 'strict' | undefined
  /** Percent of it at which `usage.on('threshold')` is told. Default: none. */
  thresholds?: readonly number[] | undefined
}

/** What a tier may use. */
export interface PlanOptions {
  /** Any number; none = unlimited. Default: those of the built-in plan of this name, else none. */
  limits?: readonly LimitOptions[] | undefined
  /** What each user of the plan may cost; null = none. Default: that of the built-in plan, none. */
  budget?: BudgetOptions | BudgetPreset | null | undefined
  /** Higher goes first where requests wait, 0..1000. Default 0. */
  priority?: number | undefined
  /** Operations of one user at once. Default: unlimited. */
  concurrency?: number | undefined
  /** What happens to requests while MongoDB does not answer. Default: the option `onStoreError`. */
  onStoreError?: 'open' | 'closed' | undefined
}

/** @internal */
export const planName = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, _, - or .')

const limitSchema = z
  .strictObject({
    name: planName.refine((name) => !isBudgetName(name), 'must not begin with budget-'),
    metric: z.enum(['requests', 'tokens', 'cost']),
    window: z.enum(['minute', 'hour', 'day', 'month', 'lifetime']),
    limit: z.number().min(0).max(1_000_000_000_000),
    enforcement: z.enum(['hard', 'soft', 'throttle']).default('hard'),
    reservation: z.enum(['typical', 'strict']).default('typical'),
    thresholds: thresholdsSchema.optional(),
  })
  .refine(({ metric, limit }) => metric === 'cost' || Number.isInteger(limit), {
    path: ['limit'],
    message: 'must be a whole number',
  })
  .transform((given): Limit => {
    const isCost = given.metric === 'cost'
    return { ...given, limit: isCost ? Math.round(given.limit * 1e9) : given.limit }
  })

/** A plan as it is written down, checked. @internal */
export const planSchema = z.strictObject({
  limits: z
    .array(limitSchema)
    .max(50)
    .refine(
      (limits) => new Set(limits.map((one) => one.name)).size === limits.length,
      'must have names of their own',
    )
    .optional(),
  budget: budgetSchema.nullish(),
  priority: z.int().min(0).max(1_000).optional(),
  concurrency: z.int().min(1).max(1_000_000).optional(),
  onStoreError: z.enum(['open', 'closed']).optional(),
})

/** @internal */
export const plansSchema = z.record(planName, planSchema).default({})

/** @internal */
export type ParsedPlan = z.output<typeof planSchema>

const monthly = (limit: number): Limit => ({
  name: 'monthly-tokens',
  metric: 'tokens',
  window: 'month',
  limit,
  enforcement: 'hard',
  reservation: 'typical',
})
const hard = (one: Pick<Limit, 'name' | 'metric' | 'window' | 'limit'>): Limit => ({
  ...one,
  enforcement: 'hard',
  reservation: 'typical',
})

/** The plans every host has, until it says otherwise. */
const builtIn: Readonly<Record<string, Pick<Plan, 'limits' | 'priority'>>> = {
  free: { limits: [monthly(10_000)], priority: 0 },
  basic: { limits: [monthly(50_000)], priority: 10 },
  pro: { limits: [monthly(200_000)], priority: 20 },
  enterprise: { limits: [monthly(1_000_000)], priority: 30 },
  beta: {
    limits: [
      hard({ name: 'daily-requests', metric: 'requests', window: 'day', limit: 100 }),
      hard({ name: 'daily-tokens', metric: 'tokens', window: 'day', limit: 50_000 }),
      hard({ name: 'daily-cost', metric: 'cost', window: 'day', limit: 500_000_000 }),
      hard({ name: 'rpm', metric: 'requests', window: 'minute', limit: 10 }),
      hard({ name: 'rph', metric: 'requests', window: 'hour', limit: 100 }),
    ],
    priority: 0,
  },
}

/** The host's plans over the built-in ones, by tier. @internal */
export function plansOf(
  given: Readonly<Record<string, ParsedPlan>>,
  onStoreError: Plan['onStoreError'],
): Map<string, Plan> {
  const tiers = new Set([...Object.keys(builtIn), ...Object.keys(given)])
  return new Map(
    [...tiers].map((tier): [string, Plan] => {
      const own = Object.hasOwn(given, tier) ? given[tier] : undefined
      const base = Object.hasOwn(builtIn, tier) ? builtIn[tier] : undefined
      return [
        tier,
        planOver(own ?? {}, { ...(base ?? unlimited), tier, concurrency: null, onStoreError }),
      ]
    }),
  )
}

/** What a plan without a word is. */
export const unlimited = { limits: [], priority: 0, concurrency: null } as const

/** A plan as it is written down, over another of the same tier. @internal */
export function planOver(own: ParsedPlan, base: Plan): Plan {
  const limits = own.limits ?? base.limits.filter(({ name }) => !isBudgetName(name))
  const known = base.limits.filter(({ name }) => isBudgetName(name))
  const budgets = own.budget === undefined ? known : own.budget ? [budgetLimit(own.budget)] : []
  return Object.freeze({
    tier: base.tier,
    limits: [...limits, ...budgets],
    priority: own.priority ?? base.priority,
    concurrency: own.concurrency ?? base.concurrency,
    onStoreError: own.onStoreError ?? base.onStoreError,
  })
}
