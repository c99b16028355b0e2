import { createHash } from 'node:crypto'
import { seededRandom } from '../../scripts/simulator/random.js'

/** Who is meant: a member of the replica set by its number, or whoever is primary then. */
export type Member = number | 'primary'

export type Fault =
  | { readonly do: 'kill app'; readonly app: number; readonly downMs: number }
  | { readonly do: 'stop app'; readonly app: number; readonly forMs: number }
  | { readonly do: 'jump clock'; readonly app: number; readonly byMs: number }
  | { readonly do: 'kill mongod'; readonly member: Member; readonly downMs: number }
  | { readonly do: 'stop mongod'; readonly member: Member; readonly forMs: number }
  | { readonly do: 'step down' }
  | { readonly do: 'reset'; readonly member: Member }
  | { readonly do: 'cut'; readonly member: Member; readonly afterBytes: number }
  | { readonly do: 'delay'; readonly member: Member; readonly ms: number; readonly forMs: number }
  | { readonly do: 'swallow'; readonly member: Member; readonly forMs: number }

/** A fault, and the number of the operation with which it begins. */
export interface Step {
  readonly at: number
  readonly fault: Fault
}

export type Counts = Readonly<Record<Fault['do'], number>>

/** Of the proof; a shorter run has a tenth, and one of each at least. */
const full: Counts = {
  'kill app': 20,
  'kill mongod': 20,
  'stop app': 5,
  'stop mongod': 5,
  'step down': 10,
  'jump clock': 10,
  reset: 15,
  cut: 15,
  delay: 8,
  swallow: 7,
}
const fullFrom = 20_000

export function countsFor(operations: number): Counts {
  if (operations >= fullFrom) return full
  const some = Object.entries(full).map(([name, count]) => [name, Math.ceil(count / 10)])
  return Object.fromEntries(some) as Counts
}

/** What is done in a run: the same seed and size give the same. */
export function scheduleOf(seed: number, operations: number): readonly Step[] {
  const random = seededRandom(seed)
  const names = Object.entries(countsFor(operations)).flatMap(([name, count]) =>
    Array.from({ length: count }, () => name as Fault['do']),
  )
  for (let last = names.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const [a, b] = [names[last], names[other]]
    if (a !== undefined && b !== undefined) [names[last], names[other]] = [b, a]
  }
  const space = (operations * 0.95) / names.length
  return names.map((name, index) => ({
    at: Math.floor((index + 0.5 + random() * 0.5) * space),
    fault: faultOf(name, random),
  }))
}

function faultOf(name: Fault['do'], random: () => number): Fault {
  const between = (from: number, to: number) => Math.round(from + random() * (to - from))
  const app = between(0, 1)
  const member = random() < 0.5 ? 'primary' : between(0, 2)
  switch (name) {
    case 'kill app':
      return { do: name, app, downMs: between(0, 1_500) }
    case 'stop app':
      return { do: name, app, forMs: between(500, 3_000) }
    case 'jump clock':
      return { do: name, app, byMs: between(-3, 3) * 3_600_000 + between(-90_000, 90_000) }
    case 'kill mongod':
      return { do: name, member, downMs: between(0, 3_000) }
    case 'stop mongod':
      return { do: name, member, forMs: between(500, 5_000) }
    case 'step down':
      return { do: name }
    case 'reset':
      return { do: name, member }
    case 'cut':
      return { do: name, member, afterBytes: between(1, 20_000) }
    case 'delay':
      return { do: name, member, ms: between(50, 2_000), forMs: between(500, 3_000) }
    case 'swallow':
      return { do: name, member, forMs: between(500, 4_000) }
  }
}

/** Tells schedules apart at a glance. */
export function digestOf(steps: readonly Step[]): string {
  return createHash('sha256').update(JSON.stringify(steps)).digest('hex').slice(0, 12)
}
