import assert from 'node:assert/strict'
import { prove, type Proof } from './proof.js'
import { digestOf, scheduleOf } from './schedule.js'

/** The whole proof is `npm run faults` (200,000, see bench/faults.md); a short form runs with every test. */
const operations = 2_000
const seed = Number(process.env.FAULT_SEED ?? 20_261_125)

describe(`${operations} operations while apps, mongods and the network fail (FAULT_SEED=${seed})`, function () {
  this.timeout(300_000)
  let proof: Proof
  before(async () => {
    proof = await prove(seed, operations, () => undefined)
  })

  it('are each recorded once, as their clients know them', () => {
    const { lost, doubled, wrong, lostInWindow, recovered, examples } = proof.verdict
    const none = { lost: 0, doubled: 0, wrong: 0 }
    assert.deepEqual({ lost, doubled, wrong }, none, examples.join(', '))
    // Two processes were killed, with what they were just about to write.
    assert.ok(lostInWindow <= 4 && recovered <= 96, examples.join(', '))
    assert.ok(proof.verdict.accepted > operations * 0.9)
  })

  it('add up to the token and the nano-dollar for every user', () => {
    assert.equal(proof.verdict.usersThatDiffer, 0)
    assert.ok(proof.verdict.tokens > 0)
  })

  it('leave rollups and counters that agree with the log, and nothing on disk', () => {
    const { rollupDifferences, counterDifferences, counters } = proof.agreement
    assert.deepEqual({ rollupDifferences, counterDifferences }, { ...none })
    assert.ok(counters > 0)
    assert.deepEqual(proof.closed, Array(2).fill({ flushed: true, left_in_spool: 0 }))
    assert.deepEqual(proof.files, [])
  })
})

const none = { rollupDifferences: 0, counterDifferences: 0 }

describe('a schedule of faults', () => {
  it('is the same whenever it has the same seed and size', () => {
    const digest = () => digestOf(scheduleOf(7, 2_000))
    assert.equal(digest(), digest())
    assert.notEqual(digest(), digestOf(scheduleOf(8, 2_000)))
  })
})
