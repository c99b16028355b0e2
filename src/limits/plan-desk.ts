import * as z from 'zod'
import { UsageError } from '../errors.js'
import { parseInput } from '../parse-input.js'
import { moved, retryMoved } from '../retry-moved.js'
import type { PlanDoc } from '../store/plan-store.js'
import type { Store } from '../store/store.js'
import { budgetBody } from './budget-terms.js'
import { planName, planSchema } from './plan-options.js'
import type { StoredPlans } from './stored-plans.js'

type Door = Pick<Store, 'plans' | 'audit'> & { db: Pick<Store['db'], 'serverNow'> }
type PlanFields = Pick<PlanDoc, 'limits' | 'budget' | 'priority' | 'concurrency' | 'on_store_error'>

const { limits, priority, concurrency, onStoreError } = planSchema.shape
const change = z.strictObject({
  limits: limits.nullable(),
  budget: budgetBody.or(z.literal(false)).nullish(),
  priority: priority.nullable(),
  concurrency: concurrency.nullable(),
  on_store_error: onStoreError.nullable(),
})

/** Changes plans: every change is checked, audited, and in use here at once. */
export class PlanDesk {
  readonly #store: Door
  readonly #plans: StoredPlans

  constructor(store: Door, plans: StoredPlans) {
    this.#store = store
    this.#plans = plans
  }

  /**
   * Changes a plan; a tier that has none gets one, with limits. Null: as the host's options say.
   * @throws UsageError `invalid_plan` naming field and rule
   */
  async change(tier: string, input: unknown, actor: string): Promise<void> {
    if (!planName.safeParse(tier).success) {
      const rule = 'must be 1 to 64 letters, digits, _, - or .'
      throw new UsageError('invalid_parameter', `tier ${rule}`, { details: { parameter: 'tier' } })
    }
    await retryMoved(async () => {
      const before = await this.#store.plans.find(tier)
      const fields = fieldsOf(input, before)
      if (this.#plans.get(tier) === undefined && fields.limits === undefined) {
        // Without, a slip of the pen in a name would make a plan that allows everything.
        throw invalid('limits', 'must be given: there is no plan of this name yet')
      }
      const updated_at = await this.#store.db.serverNow()
      const stamps = { revision: (before?.revision ?? 0) + 1, updated_at, updated_by: actor }
      const entry = {
        ...audited(actor, 'update', tier),
        ...(before && { before: settable(before) }),
        after: { ...fields },
      }
      await this.#store.audit.during(entry, async () => {
        if (!(await this.#store.plans.put({ _id: tier, ...fields, ...stamps }))) throw moved(what)
      })
    })
    await this.#plans.refresh()
  }

  /**
   * Takes back what was changed of a plan: it is as the host's options say, if they know it.
   * @throws UsageError `not_found` when nothing was changed
   */
  async remove(tier: string, actor: string): Promise<void> {
    await retryMoved(async () => {
      const before = await this.#store.plans.find(tier)
      if (before === undefined) throw new UsageError('not_found', 'No such plan has been changed')
      const entry = { ...audited(actor, 'delete', tier), before: settable(before) }
      await this.#store.audit.during(entry, async () => {
        if (!(await this.#store.plans.remove(before))) throw moved(what)
      })
    })
    await this.#plans.refresh()
  }
}

const what = 'The plan'

function audited(actor: string, verb: string, tier: string) {
  return { actor, action: `plan.${verb}`, resource: 'plan', resource_id: tier }
}

/** What is named takes the place of what is stored; limits as they were written, cost in dollars. */
function fieldsOf(input: unknown, before: PlanDoc | undefined): PlanFields {
  const given: Record<string, unknown> = parseInput(change, input, 'invalid_plan', 'a plan')
  if (Object.keys(given).length === 0) throw invalid('', 'the body must name what is to change')
  const merged: Record<string, unknown> = { ...(before && settable(before)), ...given }
  const entries = Object.entries(merged).filter(
    ([, value]) => value !== undefined && value !== null,
  )
  const fields = Object.fromEntries(entries) as PlanFields
  if (!Array.isArray(given.limits)) return fields
  // Parsed limits count nano-USD: the stored ones are what an admin can read and write again.
  return { ...fields, limits: fields.limits?.map(inDollars) ?? [] }
}

function invalid(field: string, rule: string): UsageError {
  return new UsageError('invalid_plan', `${field} ${rule}`.trim(), { details: { field } })
}

function inDollars(limit: NonNullable<PlanFields['limits']>[number]) {
  return limit.metric === 'cost' ? { ...limit, limit: limit.limit / 1e9 } : limit
}

function settable({ limits, budget, priority, concurrency, on_store_error }: PlanDoc): PlanFields {
  return {
    ...(limits && { limits }),
    ...(budget !== undefined && { budget }),
    ...(priority !== undefined && { priority }),
    ...(concurrency !== undefined && { concurrency }),
    ...(on_store_error !== undefined && { on_store_error }),
  }
}
