import type { CounterPart } from '../../models/counter.js'
import { nothing as zero, type Amount } from '../limits/amount.js'
import type { Metric } from '../limits/plan.js'
import { flowsOf, flowToldOf, type Counted, type Flow } from './counter-flow.js'

export type { CounterPart }

/** What one instance has settled and holds in one window. */
export interface OwnPart {
  readonly key: string
  readonly used: Amount
  readonly held: Amount
}

/** A limit as it is asked for. */
export interface CountedLimit {
  /** The window it is counted in. */
  readonly key: string
  readonly metric: Metric
  readonly limit: number
  /** Whether holds count against it, or only what is settled. */
  readonly counts: 'held' | 'settled'
}

/** Everything one instance has to say of one subject, and what it asks for. */
export interface Move {
  readonly subject: string
  readonly instance: string
  /** Ascending per instance: a move that arrives after a later one is refused. */
  readonly sequence: number
  /** Epoch ms. */
  readonly now: number
  readonly leaseUntil: number
  /** Keys of the windows that still count. */
  readonly keep: readonly string[]
  /** Whether what others say of other windows is forgotten. */
  readonly forgets: boolean
  /** In full, never as a difference: a move may be repeated. */
  readonly own: readonly OwnPart[]
  readonly limits: readonly CountedLimit[]
  /** Limits that are smoothed beside being counted. */
  readonly flows: readonly Flow[]
  /** The windows in which what is admitted is held. */
  readonly keys: readonly string[]
  readonly asks: readonly Amount[]
  /** Whether to put together what is left of instances that are long gone: it costs a little. */
  readonly merges: boolean
}

export interface Moved extends Counted {
  /** Indexes of the asks that were admitted. */
  readonly admitted: readonly number[]
}

/** An instance that has not said anything for this long may have its parts merged with others'. */
export const goneMs = 3_600_000
const short = { requests: 'r', tokens: 't', cost: 'c' } as const

/** The update that says what an instance has to say, and sifts what it asks for. */
export function pipelineOf(move: Move): object[] {
  const { now, asks } = move
  const parts = (others: unknown) => ({ $concatArrays: [others, ownParts(move)] })
  const updated_at = new Date(now)
  const isFlowing = move.flows.length > 0
  const before = isFlowing ? [{ $set: { told: flowToldOf(move) } }] : []
  const flows = (admitted: unknown) => isFlowing && { flows: flowsOf(move, admitted, '$told') }
  if (asks.length === 0 && !move.merges) {
    const said = { parts: parts(othersOf(move)), ...flows(0), updated_at }
    return [...before, { $set: said }, ...(isFlowing ? [{ $unset: 'told' }] : [])]
  }
  const moved = { parts: parts('$parts'), ...flows(admittedSum(asks, 'tokens')), updated_at }
  return [
    ...before,
    { $set: { parts: othersOf(move) } },
    ...(move.merges ? [{ $set: { parts: merged(move) } }] : []),
    { $set: { ok: asks.length === 0 ? [] : admittedOf(move) } },
    { $set: moved },
    { $unset: isFlowing ? ['ok', 'told'] : 'ok' },
  ]
}

/** What others say, of the windows that still count. */
function othersOf({ instance, keep, forgets }: Move) {
  const isOther = { $ne: ['$$this.i', instance] }
  const cond = forgets ? { $and: [isOther, { $in: ['$$this.k', keep] }] } : isOther
  return { $filter: { input: { $ifNull: ['$parts', []] }, cond } }
}

/** Those that are long gone, together, so that restarts do not make a counter grow. */
function merged({ now, keep }: Move) {
  const isGone = { $lt: ['$$this.e', now - goneMs] }
  const gone = { $filter: { input: '$parts', cond: isGone } }
  const sum = (field: string) => ({
    $sum: {
      $map: {
        input: { $filter: { input: gone, cond: { $eq: ['$$this.k', '$$k'] } } },
        in: `$$this.${field}`,
      },
    },
  })
  const used = { ur: sum('ur'), ut: sum('ut'), uc: sum('uc') }
  const keysOfGone = { $map: { input: gone, in: '$$this.k' } }
  const together = {
    $map: {
      input: { $filter: { input: keep, as: 'k', cond: { $in: ['$$k', keysOfGone] } } },
      as: 'k',
      in: { i: '', n: 0, k: '$$k', e: 0, ...used, hr: 0, ht: 0, hc: 0 },
    },
  }
  const present = { $filter: { input: '$parts', cond: { $not: isGone } } }
  return { $concatArrays: [present, together] }
}

/** What a limit has left: the limit less all that is settled, and held by instances that live. */
function roomOf({ own, now }: Move, { key, metric, limit, counts }: CountedLimit) {
  let mine = 0
  for (const part of own) {
    if (part.key === key) mine += part.used[metric] + (counts === 'held' ? part.held[metric] : 0)
  }
  const used = `$$this.u${short[metric]}`
  const held = { $cond: [{ $gt: ['$$this.e', now] }, `$$this.h${short[metric]}`, 0] }
  const amount = counts === 'held' ? { $add: [used, held] } : used
  const others = { $cond: [{ $eq: ['$$this.k', key] }, amount, 0] }
  return { $subtract: [limit - mine, { $sum: { $map: { input: '$parts', in: others } } }] }
}

/** The indexes of the asks that all limits have room for, taken in order. */
function admittedOf(move: Move) {
  const { limits, asks } = move
  const [first] = asks
  if (first !== undefined && asks.every((ask) => isSame(ask, first))) {
    return { $range: [0, howMany(move, first)] }
  }
  const names = limits.map((_, index) => `r${index}`)
  // A limit that counts what is settled has room for one more as long as it has any.
  const fits = limits.map(({ counts }, index) => {
    const room = `$$value.r${index}`
    return counts === 'held' ? { $gte: [room, `$$this.n${index}`] } : { $gt: [room, 0] }
  })
  const left = limits.map(({ counts }, index) => {
    const room = `$$value.r${index}`
    return counts === 'held' ? { $subtract: [room, `$$this.n${index}`] } : room
  })
  const byName = (values: readonly unknown[]) =>
    Object.fromEntries(names.map((name, index) => [name, values[index]]))
  const input = asks.map((ask, at) => ({
    at,
    ...Object.fromEntries(limits.map(({ metric }, index) => [`n${index}`, ask[metric]])),
  }))
  const taken = { ok: { $concatArrays: ['$$value.ok', ['$$this.at']] }, ...byName(left) }
  const sifted = {
    $reduce: {
      input,
      initialValue: { ok: [], ...byName(limits.map((limit) => roomOf(move, limit))) },
      in: { $cond: [{ $and: fits }, taken, '$$value'] },
    },
  }
  return { $getField: { field: 'ok', input: sifted } }
}

/** How many asks for the same there is room for. */
function howMany(move: Move, ask: Amount) {
  const bounds = move.limits.map((limit) => {
    const room = roomOf(move, limit)
    const need = ask[limit.metric]
    if (limit.counts === 'settled') return { $cond: [{ $gt: [room, 0] }, move.asks.length, 0] }
    if (need === 0) return { $cond: [{ $gte: [room, 0] }, move.asks.length, 0] }
    return { $max: [0, { $floor: { $divide: [room, need] } }] }
  })
  return { $toInt: { $min: [move.asks.length, ...bounds] } }
}

/** This instance's parts, with what was admitted just now. */
function ownParts({ instance, sequence, leaseUntil, own, keys, asks }: Move) {
  const byKey = new Map(own.map((part) => [part.key, part]))
  return [...new Set([...byKey.keys(), ...keys])].map((key) => {
    const { used, held } = byKey.get(key) ?? { used: zero, held: zero }
    const isNow = asks.length > 0 && keys.includes(key)
    const holding = (metric: Metric) =>
      isNow ? { $add: [held[metric], admittedSum(asks, metric)] } : held[metric]
    return {
      i: instance,
      n: sequence,
      k: key,
      e: leaseUntil,
      ur: used.requests,
      ut: used.tokens,
      uc: used.cost,
      hr: holding('requests'),
      ht: holding('tokens'),
      hc: holding('cost'),
      // Once is enough.
      ...(isNow && key === keys[0] && { a: '$ok' }),
    }
  })
}

/** What a counter says after a move; undefined where it has not seen it. */
export function movedOf({ instance, sequence, keys }: Move, counted: Counted): Moved | undefined {
  const mine = counted.parts.find(({ i, k }) => i === instance && k === keys[0])
  return mine?.n === sequence ? { ...counted, admitted: mine.a ?? [] } : undefined
}

function admittedSum(asks: readonly Amount[], metric: Metric) {
  const amounts = asks.map((ask) => ask[metric])
  const [first = 0] = amounts
  if (amounts.every((amount) => amount === first)) {
    return first === 0 ? 0 : { $multiply: [first, { $size: '$ok' }] }
  }
  return { $sum: { $map: { input: '$ok', in: { $arrayElemAt: [amounts, '$$this'] } } } }
}

function isSame(a: Amount, b: Amount): boolean {
  return a.requests === b.requests && a.tokens === b.tokens && a.cost === b.cost
}
