import type { CounterPart } from '../../models/counter.js'
import { nothing as zero, type Amount } from '../limits/amount.js'
import type { Metric } from '../limits/plan.js'

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
  /** Keys of the windows that still count; others are forgotten. */
  readonly keep: readonly string[]
  /** In full, never as a difference: a move may be repeated. */
  readonly own: readonly OwnPart[]
  readonly limits: readonly CountedLimit[]
  /** The windows in which what is admitted is held. */
  readonly keys: readonly string[]
  readonly asks: readonly Amount[]
}

export interface Moved {
  /** Indexes of the asks that were admitted. */
  readonly admitted: readonly number[]
  readonly parts: readonly CounterPart[]
}

/** An instance that has not said anything for this long has its parts merged with others'. */
const goneMs = 3_600_000
const short = { requests: 'r', tokens: 't', cost: 'c' } as const

/** Settled, and held by instances that live, of a metric in a window. */
function sumOf(
  parts: unknown,
  key: string,
  metric: Metric,
  counts: 'held' | 'settled',
  now: number,
) {
  const used = `$$this.u${short[metric]}`
  const held = { $cond: [{ $gt: ['$$this.e', now] }, `$$this.h${short[metric]}`, 0] }
  return {
    $sum: {
      $map: {
        input: { $filter: { input: parts, cond: { $eq: ['$$this.k', key] } } },
        in: counts === 'held' ? { $add: [used, held] } : used,
      },
    },
  }
}

/** The update that says what an instance has to say, and sifts what it asks for. */
export function pipelineOf(move: Move): object[] {
  const { now, own, limits, asks } = move
  const owned = (key: string, metric: Metric, counts: 'held' | 'settled') =>
    own
      .filter((part) => part.key === key)
      .reduce(
        (sum, { used, held }) => sum + used[metric] + (counts === 'held' ? held[metric] : 0),
        0,
      )
  const room = limits.map(({ key, metric, limit, counts }) => ({
    $subtract: [limit - owned(key, metric, counts), sumOf('$parts', key, metric, counts, now)],
  }))
  return [
    { $set: { parts: othersOf(move) } },
    { $set: { parts: merged(move) } },
    { $set: { room } },
    { $set: { sifted: asks.length === 0 ? { ok: [] } : sifted(limits, asks) } },
    {
      $set: {
        parts: { $concatArrays: ['$parts', ownParts(move)] },
        ok: '$sifted.ok',
        updated_at: new Date(now),
      },
    },
    { $unset: ['room', 'sifted'] },
  ]
}

/** What others say, of the windows that still count. */
function othersOf({ instance, keep }: Move) {
  return {
    $filter: {
      input: { $ifNull: ['$parts', []] },
      cond: { $and: [{ $ne: ['$$this.i', instance] }, { $in: ['$$this.k', keep] }] },
    },
  }
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
  const together = {
    $map: {
      input: {
        $filter: {
          input: keep,
          as: 'k',
          cond: { $in: ['$$k', { $map: { input: gone, in: '$$this.k' } }] },
        },
      },
      as: 'k',
      in: {
        i: '',
        n: 0,
        k: '$$k',
        e: 0,
        ur: sum('ur'),
        ut: sum('ut'),
        uc: sum('uc'),
        hr: 0,
        ht: 0,
        hc: 0,
      },
    },
  }
  const present = { $filter: { input: '$parts', cond: { $not: isGone } } }
  return {
    $cond: [{ $gt: [{ $size: gone }, 1] }, { $concatArrays: [present, together] }, '$parts'],
  }
}

/** The indexes of the asks that all limits have room for, taken in order. */
function sifted(limits: readonly CountedLimit[], asks: readonly Amount[]) {
  // A limit that counts what is settled has room for one more as long as it has any.
  const needs = asks.map((ask) =>
    limits.map(({ metric, counts }) => (counts === 'held' ? ask[metric] : 1)),
  )
  const takes = asks.map((ask) =>
    limits.map(({ metric, counts }) => (counts === 'held' ? ask[metric] : 0)),
  )
  const fits = limits.map((_, index) => ({ $gte: [roomAt(index), ofAsk('needs', index)] }))
  const left = limits.map((_, index) => ({ $subtract: [roomAt(index), ofAsk('takes', index)] }))
  return {
    $reduce: {
      input: { $range: [0, asks.length] },
      initialValue: { room: '$room', ok: [], needs, takes },
      in: {
        $cond: [
          { $and: fits },
          {
            room: left,
            ok: { $concatArrays: ['$$value.ok', ['$$this']] },
            needs: '$$value.needs',
            takes: '$$value.takes',
          },
          '$$value',
        ],
      },
    },
  }
}

/** Inside the sifting: what is left of a limit. */
function roomAt(index: number) {
  return { $arrayElemAt: ['$$value.room', index] }
}

/** Inside the sifting: what the ask at hand needs or takes of a limit. */
function ofAsk(list: 'needs' | 'takes', index: number) {
  return { $arrayElemAt: [{ $arrayElemAt: [`$$value.${list}`, '$$this'] }, index] }
}

/** This instance's parts, with what was admitted just now. */
function ownParts({ instance, sequence, leaseUntil, own, keys, asks }: Move) {
  const byKey = new Map(own.map((part) => [part.key, part]))
  const admitted = (metric: Metric) => ({
    $sum: {
      $map: {
        input: '$sifted.ok',
        in: { $arrayElemAt: [asks.map((ask) => ask[metric]), '$$this'] },
      },
    },
  })
  return [...new Set([...byKey.keys(), ...keys])].map((key) => {
    const { used, held } = byKey.get(key) ?? { used: zero, held: zero }
    const isNow = asks.length > 0 && keys.includes(key)
    const holding = (metric: Metric) =>
      isNow ? { $add: [held[metric], admitted(metric)] } : held[metric]
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
    }
  })
}
