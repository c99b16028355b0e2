import type { Plan } from './plans.js'

const builtIn: Readonly<Record<string, number>> = { free: 0, basic: 10, pro: 20, enterprise: 30 }

/** How much the requests of a plan matter where they have to wait: as the plan says, or by its name. */
export function priorityOf(plan: Plan & { readonly priority?: number | undefined }): number {
  return plan.priority ?? builtIn[plan.tier] ?? 0
}
