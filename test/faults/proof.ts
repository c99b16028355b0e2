import mongoose from 'mongoose'
import { Chaos } from './chaos.js'
import { Fleet } from './fleet.js'
import { agree, judge, type Agreement, type Verdict } from './judge.js'
import { load } from './load.js'
import { ReplicaSet } from './replica-set.js'
import { countsFor, scheduleOf, type Step } from './schedule.js'

/** How long a fault has to itself on average, ms; in a run that is to be short they come closer. */
const perFaultMs = 1_800
const perFaultInShortMs = 900

export interface Proof {
  readonly seed: number
  readonly operations: number
  readonly steps: readonly Step[]
  readonly verdict: Verdict
  readonly agreement: Agreement
  /** What the apps said when they closed, and which files they left behind. */
  readonly closed: readonly { readonly flushed: boolean; readonly left_in_spool: number }[]
  readonly files: readonly string[]
  /** From the first operation to the last, and from then until all was in the log, s. */
  readonly loadSeconds: number
  readonly recoverySeconds: number
}

/** Runs a fleet through a schedule of faults, and holds what is left against what its clients know. */
export async function prove(
  seed: number,
  operations: number,
  say: (line: string) => void,
): Promise<Proof> {
  const steps = scheduleOf(seed, operations)
  const isShort = countsFor(operations) !== countsFor(Infinity)
  const set = await ReplicaSet.start()
  const fleet = await Fleet.start(set.uri)
  try {
    const chaos = new Chaos(steps, fleet, set)
    const began = performance.now()
    let told = 0
    const onBegin = (index: number) => {
      chaos.reached(index)
      if (index < told) return
      say(`${index} operations after ${((performance.now() - began) / 1_000).toFixed(0)} s`)
      told += operations / 10
    }
    const lastsMs = steps.length * (isShort ? perFaultInShortMs : perFaultMs)
    const known = await load({ fleet, seed, operations, lastsMs, onBegin })
    const loaded = performance.now()
    await chaos.ended()
    await fleet.flush()
    const { closed, files } = await fleet.close()
    const recovered = performance.now()
    say('all is healed, and is compared')
    const connection = await mongoose.createConnection(set.uri).asPromise()
    try {
      const verdict = await judge(connection, seed, known)
      const agreement = await agree(connection)
      const loadSeconds = (loaded - began) / 1_000
      const recoverySeconds = (recovered - loaded) / 1_000
      const times = { loadSeconds, recoverySeconds }
      return { seed, operations, steps, verdict, agreement, closed, files, ...times }
    } finally {
      await connection.close()
    }
  } finally {
    await fleet.destroy()
    await set.stop()
  }
}
