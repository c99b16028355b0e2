import { windowMs } from './judge.js'
import type { Proof } from './proof.js'
import { digestOf } from './schedule.js'

/** Nothing lost, nothing twice, every total right. */
export function isClean({ verdict, agreement, closed, files }: Proof): boolean {
  const { lost, doubled, wrong, usersThatDiffer } = verdict
  const { rollupDifferences, counterDifferences } = agreement
  const bad = lost + doubled + wrong + usersThatDiffer + rollupDifferences + counterDifferences
  return bad === 0 && files.length === 0 && closed.every(({ flushed }) => flushed)
}

/** What was done and what came of it, for bench/faults.md. */
export function reportOf(proof: Proof): string {
  const { seed, operations, steps, verdict, agreement } = proof
  const { inDoubt } = verdict
  const count = (value: number) => value.toLocaleString('en')
  const done = [...new Set(steps.map(({ fault }) => fault.do))]
    .sort()
    .map((name) => `${steps.filter(({ fault }) => fault.do === name).length} × ${name}`)
  const rows: [string, string | number][] = [
    ['operations', operations],
    ['accepted (answered in full, or `record` resolved)', verdict.accepted],
    ['in `usage_logs` with the client’s user, tokens and nano-dollars', verdict.right],
    ['**lost**', verdict.lost],
    ['**doubled**', verdict.doubled],
    ['recorded with other figures', verdict.wrong],
    [
      'answered before its process was killed, recovered as aborted, its tokens unknown',
      verdict.recovered,
    ],
    [
      `answered less than ${windowMs} ms before its process was killed, not recorded`,
      verdict.lostInWindow,
    ],
    [
      'the longest of those times',
      verdict.worstAgeMs > 0 ? `${verdict.worstAgeMs.toFixed(1)} ms` : 'none',
    ],
    ['in doubt (the connection ended before the answer)', inDoubt.total],
    ['of those in `usage_logs` as done, as aborted', `${inDoubt.done}, ${inDoubt.aborted}`],
    ['users whose tokens or nano-dollars differ from the clients’', verdict.usersThatDiffer],
    ['tokens', verdict.tokens],
    ['nano-dollars', verdict.nanoUsd],
    ['rollup documents, differences from the log', both(agreement, 'rollup')],
    ['counters of limits, healed, differences then', both(agreement, 'counter')],
    ['left in the spool directories', proof.files.length],
    ['time under faults, and until all was in the log after them', timesOf(proof)],
  ]
  const table = rows.map(([what, value]) => {
    return `| ${what} | ${typeof value === 'number' ? count(value) : value} |`
  })
  return `# What faults do

Two processes of one app and a replica set of three mongods, all behind TCP proxies, while operations
run: JSON answers, SSE, and \`usage.record()\`. The clients know of each operation whose it was and what
it used, and are what the log is held against in the end. ARCHITECTURE.md and the README's "What it
promises" say why nothing is lost; this says what was tried.

\`FAULT_SEED=${seed} FAULT_OPERATIONS=${operations} npm run faults\` (schedule ${digestOf(steps)}) has written
this file. Done to it: ${done.join(', ')}.

| | |
| --- | --- |
${table.join('\n')}
`
}

function both({ ...agreement }: Proof['agreement'], what: 'rollup' | 'counter'): string {
  const { rollupDocuments, rollupDifferences, counters, countersHealed, counterDifferences } =
    agreement
  return what === 'rollup'
    ? `${rollupDocuments}, ${rollupDifferences}`
    : `${counters}, ${countersHealed}, ${counterDifferences}`
}

function timesOf({ loadSeconds, recoverySeconds }: Proof): string {
  return `${loadSeconds.toFixed(0)} s, ${recoverySeconds.toFixed(0)} s`
}
