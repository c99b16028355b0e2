import type { CounterPart, FlowState } from '../../models/counter.js'

export type { FlowState }

/** A limit of tokens that is smoothed: what is let through runs off at a steady rate. */
export interface Flow {
  /** The limit's name. */
  readonly name: string
  /** Tokens that run off per ms. */
  readonly perMs: number
  /** Tokens that may gather before what comes next has to wait. */
  readonly burst: number
}

/** The part of a counter whose tokens are never forgotten, so that what is new can be told. */
export const flowKey = 'flow'

interface FlowMove {
  readonly instance: string
  readonly now: number
  readonly flows: readonly Flow[]
  readonly own: readonly {
    readonly key: string
    readonly used: { readonly tokens: number }
    readonly held: { readonly tokens: number }
  }[]
}

/** What this instance has said so far; to be put aside before its parts are replaced. */
export function flowToldOf({ instance }: Pick<FlowMove, 'instance'>) {
  const mine = { $and: [{ $eq: ['$$this.i', instance] }, { $eq: ['$$this.k', flowKey] }] }
  const parts = { $filter: { input: { $ifNull: ['$parts', []] }, cond: mine } }
  return { $sum: { $map: { input: parts, in: { $add: ['$$this.ut', '$$this.ht'] } } } }
}

/**
 * When each flow will have run off: the "theoretical arrival time" of the generic cell rate algorithm
 * (ITU-T I.371). What is let through counts with what it is likely to use, and with what it has used once
 * that is known. Only what is new is added, so saying something twice adds nothing.
 * `admitted`: the tokens of what is let through just now; `told`: as `flowToldOf`.
 */
export function flowsOf({ now, flows, own }: FlowMove, admitted: unknown, told: string) {
  const mine = own.find(({ key }) => key === flowKey)
  const known = mine === undefined ? 0 : mine.used.tokens + mine.held.tokens
  const added = { $subtract: [{ $add: [known, admitted] }, told] }
  return flows.map(({ name, perMs }) => ({
    n: name,
    at: { $add: [{ $max: [now, atOf(name)] }, { $divide: [added, perMs] }] },
  }))
}

function atOf(name: string) {
  const mine = {
    $filter: { input: { $ifNull: ['$flows', []] }, cond: { $eq: ['$$this.n', name] } },
  }
  return { $ifNull: [{ $max: { $map: { input: mine, in: '$$this.at' } } }, 0] }
}

/** What a counter says: all parts, and its flows. */
export interface Counted {
  readonly parts: readonly CounterPart[]
  readonly flows: readonly FlowState[]
}

/** How long what comes after `before` tokens of what was let through last (`last` in all) has to wait, ms. */
export function flowDelayOf(
  flows: readonly Flow[],
  states: readonly FlowState[],
  { before, last, now }: { before: number; last: number; now: number },
): number {
  const delays = flows.map(({ name, perMs, burst }) => {
    const at = states.find(({ n }) => n === name)?.at ?? 0
    return at - (last - before + burst) / perMs - now
  })
  return Math.max(0, ...delays)
}
