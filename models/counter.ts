import type { Connection, Model } from 'mongoose'
import { define } from './define.js'

/** What one instance has settled and holds in one window. Only that instance writes it. */
export interface CounterPart {
  /** The instance; '' for those that are long gone, together. */
  i: string
  /** Number of the update that wrote it. */
  n: number
  /** Key of the window. */
  k: string
  /** Until when its holds count, epoch ms. */
  e: number
  /** Settled: requests, tokens, nano-USD. */
  ur: number
  ut: number
  uc: number
  /** Held. */
  hr: number
  ht: number
  hc: number
  /** Which asks of that update were admitted; in one part of those it wrote. */
  a?: number[]
}

/** A limit that is smoothed. */
export interface FlowState {
  /** The limit's name. */
  n: string
  /** When all that was settled will have run off, epoch ms. */
  at: number
}

/** `usage_counters`: what a user, an organisation or everybody has used of their limits. */
export interface CounterDoc {
  /** `user:alice`, `org:acme`, `global`. */
  _id: string
  parts: CounterPart[]
  /** Absent where no limit is smoothed. */
  flows?: FlowState[]
  updated_at: Date
}

export function counterModel(connection: Connection): Model<CounterDoc> {
  return define<CounterDoc>(connection, 'UsageCounter', 'usage_counters', {
    fields: { _id: String, parts: [Object], flows: [Object], updated_at: Date },
    shardKey: { _id: 'hashed' },
    indexes: [{ keys: { updated_at: 1 } }],
  })
}
