import type { UsageEvent } from '../../src/event.js'
import type { Span } from '../../src/time.js'
import { catalogue } from './catalogue.js'
import { Chance, Weighted } from './chance.js'
import { makeEvent, type SeedUser } from './make-event.js'
import { spreadOverHours } from './rhythm.js'

export interface TrafficOptions {
  users: number
  operations: number
  seed: number
  span: Span
}

/** Plausible traffic in order of time; the same options give the same events. */
export function* traffic({ users, operations, seed, span }: TrafficOptions): Generator<UsageEvent> {
  const chance = new Chance(seed)
  const population = new Weighted(makeUsers(users, chance), (_, rank) => 1 / (rank + 2.5))
  for (const hour of spreadOverHours(span, operations)) {
    const from = hour.from.getTime()
    const width = hour.to.getTime() - from
    const instants = Float64Array.from(
      { length: hour.operations },
      () => from + chance.below(width),
    )
    for (const at of instants.sort()) {
      yield makeEvent(chance, chance.pick(population), at, span.to.getTime())
    }
  }
}

/** Users in order of their activity, which follows Zipf's law. */
function makeUsers(count: number, chance: Chance): SeedUser[] {
  const digits = String(count).length
  const organisations = Math.max(1, Math.ceil(count / 25))
  return Array.from({ length: count }, (_, index) => {
    const [tier] = chance.pick(catalogue.tiers)
    const user = { user_id: `user-${String(index + 1).padStart(digits, '0')}`, tier }
    const favourite = chance.pick(catalogue.models)
    if (!chance.happens(0.3)) return { ...user, favourite }
    return { ...user, favourite, org_id: `org-${chance.below(organisations) + 1}` }
  })
}
