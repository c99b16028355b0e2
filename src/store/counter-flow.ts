import type { CounterPart, FlowState } from '../../models/counter.js'

export type { FlowState }

/** A limit that is smoothed: what is settled runs off at a steady rate, and some may gather. */
export interface Flow {
  /** The limit's name. */
  readonly name: string
  /** Tokens that run off per ms. */
  readonly perMs: number
  /** Tokens that may gather before nothing more may begin. */
  readonly burst: number
}

/** The part of a counter whose tokens are never forgotten, so that what is new can be told. */
export const flowKey = 'flow'

interface FlowMove {
  readonly instance: string
  readonly now: number
  readonly flows: readonly Flow[]
  readonly own: readonly { readonly key: string; readonly used: { readonly tokens: number } }[]
}

/**
 * When each flow will have run off, with what this instance has settled since it last spoke: the
 * "theoretical arrival time" of the generic cell rate algorithm (ITU-T I.371). Must come before the
 * parts are replaced: what is new is the difference to the instance's part, so saying it twice adds
 * nothing.
 */
export function flowsOf({ instance, now, flows, own }: FlowMove) {
  const settled = own.find(({ key }) => key === flowKey)?.used.tokens ?? 0
  const mine = { $and: [{ $eq: ['$$this.i', instance] }, { $eq: ['$$this.k', flowKey] }] }
  const parts = { $ifNull: ['$parts', []] }
  const told = {
    $sum: { $map: { input: { $filter: { input: parts, cond: mine } }, in: '$$this.ut' } },
  }
  return flows.map(({ name, perMs }) => ({
    n: name,
    at: {
      $add: [{ $max: [now, atOf(name)] }, { $divide: [{ $subtract: [settled, told] }, perMs] }],
    },
  }))
}

/** Tokens that a flow has room for; to be used after `flowsOf` has been put in place. */
export function flowRoomOf({ name, perMs, burst }: Flow, now: number) {
  const full = { $multiply: [{ $max: [0, { $subtract: [atOf(name), now] }] }, perMs] }
  return { $subtract: [burst, full] }
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
