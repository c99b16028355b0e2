import assert from 'node:assert/strict'
import fc from 'fast-check'
import { rebuildDays, verifyDay } from '../../src/rollup/rebuild.js'
import { rollUp } from '../../src/rollup/roller.js'
import { dayMs, floorTo, hourMs, minuteMs, type Span } from '../../src/time.js'
import { freshDatabase } from '../helpers/mongo.js'
import { naiveGlobal, naiveUser } from './naive.js'
import { World, type EventFacts } from './support.js'

const zones = [
  'UTC',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'America/New_York',
]

/** Shortly after the clocks change in one of the zones, or nowhere. */
const starts = [
  '2026-03-29T02:00:00Z',
  '2026-10-25T03:00:00Z',
  '2026-03-08T08:00:00Z',
  '2026-11-01T07:00:00Z',
  '2026-04-04T16:00:00Z',
  '2026-10-03T18:00:00Z',
  '2026-06-01T00:01:00Z',
]

const users = ['alice', 'a.b', '$where', 'x|user|y', 'global', '__proto__', 'Zoë 😀', '田中']
const models = ['gpt.4o', '$m', '__proto__', 'a|b', 'größe-1', undefined]

/** Milliseconds from now: fresh, late, or just at a midnight. */
const age = fc.oneof(
  fc.integer({ min: -5 * minuteMs, max: 10 * minuteMs }).map((ms) => ({ ms, atMidnight: false })),
  fc.integer({ min: 0, max: 3 * dayMs }).map((ms) => ({ ms, atMidnight: false })),
  fc.integer({ min: 0, max: 35 * dayMs }).map((ms) => ({ ms, atMidnight: false })),
  fc.integer({ min: 0, max: 3 * dayMs }).map((ms) => ({ ms, atMidnight: true })),
)

const draft = fc.record({
  age,
  nudge: fc.integer({ min: -2, max: 2 }),
  user_id: fc.constantFrom(...users),
  model: fc.constantFrom(...models),
  operation_type: fc.constantFrom('chat', 'qa.file', '$op'),
  token_source: fc.constantFrom('provider', 'tokenizer', 'none'),
  tokens: fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.constantFrom(0, 1, 999_999_999)),
  success: fc.boolean(),
  ms: fc.constantFrom(undefined, 0, 1, 17, 2500, 3_000_000_000),
})

type Draft = typeof draft extends fc.Arbitrary<infer T> ? T : never

function eventOf(draft: Draft, now: number): EventFacts {
  const { age, nudge, model, ms, tokens, ...facts } = draft
  const at = now - age.ms
  const [input_tokens, output_tokens] = tokens
  return {
    ...facts,
    ...(model !== undefined && { model }),
    ...(ms !== undefined && { response_time_ms: ms }),
    input_tokens,
    output_tokens,
    timestamp: new Date(age.atMidnight ? floorTo(at, dayMs) + nudge : at),
  }
}

const step = fc.oneof(
  fc.record({
    kind: fc.constant('append'),
    drafts: fc.array(draft, { minLength: 1, maxLength: 12 }),
  }),
  fc.record({
    kind: fc.constantFrom('roll up', 'two at once'),
    drafts: fc.array(draft, { maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('ask'), drafts: fc.constant([]) }),
)

const question = fc.record({
  zone: fc.constantFrom(...zones),
  user: fc.constantFrom(...users, 'nobody'),
  from: fc.integer({ min: -2 * hourMs, max: 36 * dayMs }),
  length: fc.integer({ min: 1, max: 36 * dayMs }),
  whole: fc.constantFrom(1, minuteMs, dayMs),
})

const life = fc.record({
  start: fc.constantFrom(...starts),
  steps: fc.array(
    fc.record({ step, waitMs: fc.constantFrom(0, 90_000, 20 * minuteMs, 7 * hourMs, dayMs) }),
    { minLength: 5, maxLength: 8 },
  ),
  questions: fc.array(question, { minLength: 3, maxLength: 3 }),
})

type Question = typeof question extends fc.Arbitrary<infer T> ? T : never

function spanOf({ from, length, whole }: Question, now: number): Span {
  const start = floorTo(now - from, whole)
  return { from: new Date(start), to: new Date(start + Math.max(whole, floorTo(length, whole))) }
}

async function ask(world: World, questions: readonly Question[]): Promise<void> {
  for (const question of questions) {
    const span = spanOf(question, world.now)
    const { zone, user } = question
    const mine = await world.userUsage(user, span, zone)
    assertHas(mine, naiveUser(world.log, user, span, zone))
    const { by_model, top_users, daily_usage, ...all } = await world.globalUsage(span, zone)
    const {
      models,
      top_tokens,
      daily_usage: daily,
      ...expected
    } = naiveGlobal(world.log, span, zone)
    assertHas(all, expected)
    assert.deepEqual(withoutCost(daily_usage), daily)
    assert.deepEqual(
      top_users.map((top) => top.tokens),
      top_tokens,
    )
    assert.deepEqual(
      Object.fromEntries(by_model.map((row) => ['model' in row ? row.model : '', row.operations])),
      models,
    )
  }
}

/** Equal in every property that is expected. */
function assertHas(actual: object, expected: object): void {
  const known = Object.entries(actual).filter(([name]) => Object.hasOwn(expected, name))
  assert.deepEqual(Object.fromEntries(known), expected)
}

function withoutCost(daily: Record<string, { cost_usd: number | null }>) {
  return Object.fromEntries(
    Object.entries(daily).map(([date, { cost_usd: _, ...rest }]) => [date, rest]),
  )
}

async function live(
  world: World,
  { steps, questions }: typeof life extends fc.Arbitrary<infer T> ? T : never,
) {
  for (const { step, waitMs } of steps) {
    world.now += waitMs
    const append = () => world.append(step.drafts.map((one) => eventOf(one, world.now)))
    if (step.kind === 'append') await append()
    else if (step.kind === 'ask') await ask(world, questions)
    else if (step.kind === 'roll up') await Promise.all([rollUp(world.door()), append()])
    else await Promise.all([rollUp(world.door(0)), append(), rollUp(world.door(1))])
  }
}

async function settle(world: World, questions: readonly Question[]): Promise<void> {
  await ask(world, questions)
  world.now += hourMs
  await rollUp(world.door())
  await ask(world, questions)
  for (const day of world.days())
    assert.deepEqual((await verifyDay(world.door(), day)).differences, [])
  const rolledUp = await world.rollupBytes()
  await rebuildDays(world.door(), world.days())
  assert.deepEqual(await world.rollupBytes(), rolledUp)
  for (const user of users) {
    const own = world.log.filter((event) => event.user_id === user)
    const account = await world.store.accounts.find(user)
    assert.equal(account?.total_operations ?? 0, own.length)
    assert.equal(
      account?.total_tokens ?? 0,
      own.reduce((sum, event) => sum + event.tokens_used, 0),
    )
  }
}

describe('sums over any span, zone and state of the rollups', () => {
  it('equal the log added up event by event, and rebuilding changes no byte', async function () {
    this.timeout(60_000)
    await fc.assert(
      fc.asyncProperty(life, async (drawn) => {
        const database = await freshDatabase()
        try {
          const world = new World(database.connection, drawn.start)
          await world.store.prepare()
          await live(world, drawn)
          await settle(world, drawn.questions)
        } finally {
          await database.drop()
        }
      }),
      { numRuns: 5, endOnFailure: true },
    )
  })
})
