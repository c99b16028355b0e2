import assert from 'node:assert/strict'
import { each, limitOf, resetOf, verdictsOf, type Combination, type Store } from './table.js'
import type { Told } from './table-world.js'

const seconds = { minute: 60, hour: 3_600, day: 86_400, month: 2_592_000 } as const

/** How many of the requests that were asked with these verdicts have been served. */
export const servedOf = (store: Store, one: Combination) =>
  verdictsOf(store, one).filter((verdict) => verdict === 'admitted' || verdict === 'degraded')
    .length

/** Holds all that a client was told against the row of the table. */
export function checkTold(store: Store, one: Combination, told: readonly Told[]): void {
  const verdicts = verdictsOf(store, one)
  assert.equal(told.length, verdicts.length)
  let used = 0
  for (const [index, verdict] of verdicts.entries()) {
    const answer = told[index]
    assert.ok(answer)
    const name = `${store} ${one.tier}, request ${index + 1}: ${verdict}`
    const isServed = verdict === 'admitted' || verdict === 'degraded'
    const expected = isServed ? 200 : verdict === 'refused' ? 429 : 503
    assert.equal(answer.status, expected, name)
    assert.equal(answer.headers.get('x-usage-degraded'), verdict === 'degraded' ? '1' : null, name)
    if (verdict === 'admitted') checkStanding(one, answer, used, used + 1, name)
    else if (verdict === 'refused') {
      checkStanding(one, answer, used, used, name)
      checkRefusal(one, answer, used, name)
    } else checkSilence(answer, name)
    if (verdict === 'unavailable') checkUnavailable(answer, name)
    if (isServed) used += 1
  }
}

/** Seconds from when it was asked to the reset, as far as the answer may have taken. */
function isAbout(told: string | null | undefined, one: Combination, { at, tookMs }: Told) {
  const reset = resetOf(one.window, at)
  if (reset === null) return told === null || told === undefined
  const exact = (Date.parse(reset) - at) / 1_000
  return Number(told) <= Math.ceil(exact) && Number(told) >= Math.floor(exact - tookMs / 1_000)
}

function checkStanding(
  one: Combination,
  answer: Told,
  settled: number,
  begun: number,
  name: string,
) {
  const { headers } = answer
  const { metric, window } = one
  const width = window === 'lifetime' ? '' : `;w=${seconds[window]}`
  const policy = metric === 'requests' ? `"the-limit";q=2${width}` : null
  assert.equal(headers.get('ratelimit-policy'), policy, name)
  const [, left, until] =
    /^"the-limit";r=(\d+)(?:;t=(\d+))?$/.exec(headers.get('ratelimit') ?? '') ?? []
  assert.equal(left, metric === 'requests' ? String(Math.max(0, 2 - begun)) : undefined, name)
  const tokens = ['limit', 'remaining', 'reset'].map((key) =>
    headers.get(`x-ratelimit-${key}-tokens`),
  )
  const isTokens = metric === 'tokens'
  const remaining = String(Math.max(0, 2 - settled) * each.tokens)
  assert.deepEqual(tokens.slice(0, 2), isTokens ? ['200', remaining] : [null, null], name)
  if (metric === 'requests') assert.ok(isAbout(until, one, answer), `${name}: t=${until}`)
  if (isTokens) assert.ok(isAbout(tokens[2]?.replace(/s$/, '') ?? null, one, answer), name)
}

function checkSilence({ headers }: Told, name: string): void {
  const said = [...headers.keys()].filter((key) => /ratelimit/.test(key))
  assert.deepEqual(said, [], name)
}

function checkProblem({ headers, body, status }: Told, type: string, code: string, name: string) {
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/, name)
  assert.deepEqual([body.type, body.status, body.code], [type, status, code], name)
}

function checkUnavailable(answer: Told, name: string): void {
  checkProblem(answer, 'about:blank', 'store_unavailable', name)
  assert.ok(Number(answer.headers.get('retry-after')) >= 1, name)
}

function checkRefusal(one: Combination, answer: Told, used: number, name: string): void {
  const type = 'https://iana.org/assignments/http-problem-types#quota-exceeded'
  checkProblem(answer, type, 'quota_exceeded', name)
  const { metric, window, limit } = limitOf(one)
  const resets_at = resetOf(window, answer.at)
  assert.deepEqual(
    answer.body.violated_policies,
    [{ name: 'the-limit', metric, window, limit, used: round(used * each[metric]), resets_at }],
    name,
  )
  const told = answer.headers.get('retry-after')
  assert.equal(told === null, resets_at === null, name)
  if (resets_at === null) return
  const exact = (Date.parse(resets_at) - answer.at) / 1_000
  // Spread over a few seconds, so that not all come back at once; never too early.
  assert.ok(Number(told) >= Math.floor(exact - answer.tookMs / 1_000), `${name}: ${told}`)
  assert.ok(Number(told) <= Math.ceil(exact) + 5, `${name}: ${told}`)
}

/** Dollars are counted in whole nano-dollars. */
const round = (amount: number) => Math.round(amount * 1e9) / 1e9
