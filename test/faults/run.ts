/** `npm run faults`: the whole proof, and bench/faults.md about it. `FAULT_SEED` repeats a schedule. */
import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { prove } from './proof.js'
import { isClean, reportOf } from './report.js'
import { digestOf, scheduleOf } from './schedule.js'

const operations = Number(process.env.FAULT_OPERATIONS ?? 200_000)
const seed = Number(process.env.FAULT_SEED ?? randomInt(2 ** 31))
const file = fileURLToPath(new URL('../../bench/faults.md', import.meta.url))

console.log(
  `FAULT_SEED=${seed} FAULT_OPERATIONS=${operations}, schedule ${digestOf(scheduleOf(seed, operations))}`,
)
const proof = await prove(seed, operations, (line) => console.log(`  ${line}`))
const report = reportOf(proof)
console.log(report)
console.log([...proof.verdict.examples, ...proof.files.map((name) => `left: ${name}`)].join('\n'))
if (process.env.FAULT_REPORT !== 'no') {
  const style = await resolveConfig(file)
  await writeFile(file, await format(report, { ...style, filepath: file }))
}
process.exit(isClean(proof) ? 0 : 1)
