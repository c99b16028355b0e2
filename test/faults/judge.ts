import type { Connection } from 'mongoose'
import { systemClock } from '../../src/clock.js'
import type { UsageEvent } from '../../src/event.js'
import { healAll } from '../../src/limits/heal-all.js'
import { rollUp } from '../../src/rollup/roller.js'
import { verifyDay } from '../../src/rollup/rebuild.js'
import { createStore } from '../../src/store/store.js'
import { dayMs, floorTo, hourMs } from '../../src/time.js'
import type { Known } from './load.js'
import { indexOf, operationOf, type Operation } from './operations.js'

/** What a process may take with it that it had answered less than this before it was killed, ms. */
export const windowMs = 50

/** How what was accepted compares with what is in the log. */
export interface Verdict {
  accepted: number
  /** Accepted, and in the log as the client knows it. */
  right: number
  /** Accepted, and not in the log. */
  lost: number
  /** In the log more than once, or there without having been asked for. */
  doubled: number
  /** In the log with other figures, of another user, or as failed though no process died. */
  wrong: number
  /** Answered before its process was killed: in the log as aborted, tokens unknown. */
  recovered: number
  /** Answered within `windowMs` of the end of its process: not in the log. */
  lostInWindow: number
  /** Nobody knows whether they happened: of those, in the log as done, as aborted, and not. */
  inDoubt: { total: number; done: number; aborted: number }
  /** Users whose sums of tokens or nano-dollars over all that is done differ from the clients'. */
  usersThatDiffer: number
  tokens: number
  nanoUsd: number
  /** What the client had seen at most this long before the process was killed, and was not kept, ms. */
  worstAgeMs: number
  /** Ids of what is lost, doubled or wrong, for whoever looks into it. */
  examples: string[]
}

interface Sums {
  tokens: number
  nanoUsd: number
}

type Row = Pick<
  UsageEvent,
  '_id' | 'user_id' | 'org_id' | 'tokens_used' | 'cost_nano_usd' | 'status' | 'error_type'
>

/** Holds the log against what the clients know. */
export async function judge(
  connection: Connection,
  seed: number,
  known: readonly Known[],
): Promise<Verdict> {
  const verdict = emptyVerdict()
  const rows = new Map<number, Row>()
  const logged = new Map<string, Sums>()
  const fields = ['user_id', 'org_id', 'tokens_used', 'cost_nano_usd', 'status', 'error_type']
  const projection = Object.fromEntries(fields.map((field) => [field, 1]))
  const cursor = connection.collection<UsageEvent>('usage_logs').find({}, { projection })
  for await (const row of cursor) {
    const index = indexOf(row.org_id)
    if (rows.has(index) || known[index] === undefined) blame(verdict, 'doubled', String(row.org_id))
    rows.set(index, row)
    add(logged, row.user_id, row.tokens_used, row.cost_nano_usd ?? 0)
  }
  const expected = new Map<string, Sums>()
  for (const [index, one] of known.entries()) {
    const operation = operationOf(seed, index)
    const row = rows.get(index)
    judgeOne(verdict, operation, one, row)
    if (row !== undefined && !isAborted(row)) {
      add(expected, operation.user, tokensOf(operation), operation.cost_nano_usd)
    }
  }
  compareSums(verdict, logged, expected)
  return verdict
}

function emptyVerdict(): Verdict {
  return {
    ...{ accepted: 0, right: 0, lost: 0, doubled: 0, wrong: 0, recovered: 0, lostInWindow: 0 },
    inDoubt: { total: 0, done: 0, aborted: 0 },
    ...{ usersThatDiffer: 0, tokens: 0, nanoUsd: 0, worstAgeMs: 0, examples: [] },
  }
}

function judgeOne(
  verdict: Verdict,
  operation: Operation,
  known: Known,
  row: Row | undefined,
): void {
  const isDone = row?.status === 'ok'
  if (row !== undefined && isDone && !isAsAsked(row, operation)) {
    blame(verdict, 'wrong', operation.id)
    return
  }
  if (known.outcome === 'in doubt') {
    verdict.inDoubt.total += 1
    if (isDone) verdict.inDoubt.done += 1
    else if (row !== undefined) verdict.inDoubt.aborted += 1
    return
  }
  verdict.accepted += 1
  if (isDone) {
    verdict.right += 1
    return
  }
  const ageMs = known.life.killedAt - known.at
  const mayBeCut = operation.kind !== 'record' && Number.isFinite(ageMs)
  const isExcused = mayBeCut && ageMs < windowMs
  if (mayBeCut) verdict.worstAgeMs = Math.max(verdict.worstAgeMs, ageMs)
  if (row === undefined) blame(verdict, isExcused ? 'lostInWindow' : 'lost', operation.id, ageMs)
  else if (mayBeCut && isAborted(row)) verdict.recovered += 1
  else blame(verdict, 'wrong', operation.id, ageMs)
}

function isAborted({ status, error_type }: Row): boolean {
  return status === 'aborted' && (error_type === 'process_died' || error_type === undefined)
}

function isAsAsked(row: Row, operation: Operation): boolean {
  const { user, cost_nano_usd } = operation
  const isSame = row.tokens_used === tokensOf(operation) && row.cost_nano_usd === cost_nano_usd
  return isSame && row.user_id === user
}

function tokensOf({ input_tokens, output_tokens }: Operation): number {
  return input_tokens + output_tokens
}

function add(sums: Map<string, Sums>, user: string, tokens: number, nanoUsd: number): void {
  const sum = sums.get(user) ?? { tokens: 0, nanoUsd: 0 }
  sum.tokens += tokens
  sum.nanoUsd += nanoUsd
  sums.set(user, sum)
}

function compareSums(
  verdict: Verdict,
  logged: ReadonlyMap<string, Sums>,
  expected: ReadonlyMap<string, Sums>,
): void {
  for (const user of new Set([...logged.keys(), ...expected.keys()])) {
    const [is, should] = [logged.get(user), expected.get(user)]
    if (is?.tokens !== should?.tokens || is?.nanoUsd !== should?.nanoUsd) {
      verdict.usersThatDiffer += 1
    }
    verdict.tokens += is?.tokens ?? 0
    verdict.nanoUsd += is?.nanoUsd ?? 0
  }
}

function blame(
  verdict: Verdict,
  what: 'lost' | 'doubled' | 'wrong' | 'lostInWindow',
  id: string,
  ageMs?: number,
): void {
  verdict[what] += 1
  const age = ageMs !== undefined && Number.isFinite(ageMs) ? ` (${ageMs.toFixed(1)} ms)` : ''
  if (verdict.examples.length < 10) verdict.examples.push(`${what} ${id}${age}`)
}

/** Whether rollups and counters agree with the log. */
export interface Agreement {
  readonly rollupDocuments: number
  readonly rollupDifferences: number
  readonly counters: number
  /** Counters that a killed process had not told everything, before they were put right. */
  readonly countersHealed: number
  readonly counterDifferences: number
}

/** Brings the rollups up to date, heals the counters, and compares both with the log. */
export async function agree(connection: Connection): Promise<Agreement> {
  const store = createStore(connection, systemClock, 60_000)
  await rollUp(store)
  const today = floorTo(Date.now(), dayMs)
  let rollupDocuments = 0
  let rollupDifferences = 0
  for (let day = today - dayMs; day <= today + dayMs; day += dayMs) {
    const { documents, differences } = await verifyDay(store, day)
    rollupDocuments += documents
    rollupDifferences += differences.length
  }
  // Counters are judged once they have been at rest for an hour.
  // Some were used last by an app whose clock was ahead.
  let last = Date.now()
  for await (const counter of store.counters.usedSince(new Date(0)))
    last = Math.max(last, counter.updated_at.getTime())
  const now = last + 1.1 * hourMs
  const look = (heals: boolean) =>
    healAll(store, { timezone: 'UTC', now, heals, onDifference: () => undefined })
  const healed = await look(true)
  const { counters, differ, busy } = await look(false)
  const counterDifferences = differ + busy
  return {
    ...{ rollupDocuments, rollupDifferences, counters, counterDifferences },
    countersHealed: healed.differ,
  }
}
