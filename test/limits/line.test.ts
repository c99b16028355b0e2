import assert from 'node:assert/strict'
import fc from 'fast-check'
import { World } from './world.js'

const user = fc.constantFrom('a', 'b', 'c', 'd')
const priority = fc.constantFrom(0, 10, 20)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('come' as const), user, priority }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), index: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), index: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(20_000) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function take(world: World, one: Step): void {
  if (one.do === 'come') world.come(one.user, one.priority)
  else if (one.do === 'pass') {
    world.now += one.ms
    world.line.expire()
  } else {
    const among = world.in(one.do === 'end' ? 'running' : 'waiting')
    const guest = among[one.index % Math.max(1, among.length)]
    if (guest) world.end(guest)
  }
}

const story = fc.record({
  concurrency: fc.integer({ min: 1, max: 4 }),
  maxQueue: fc.integer({ min: 0, max: 12 }),
  steps: fc.array(step, { maxLength: 120 }),
})

describe('a line', () => {
  it('never runs more than its concurrency, holds more than its queue, or is idle while one waits', () => {
    fc.assert(
      fc.property(story, ({ steps, ...options }) => {
        const world = new World(options)
        for (const one of steps) {
          take(world, one)
          const running = world.in('running').length
          const waiting = world.in('waiting').length
          assert.ok(running <= options.concurrency && waiting <= options.maxQueue)
          assert.ok(waiting === 0 || running === options.concurrency)
          assert.deepEqual([world.line.running, world.line.waiting], [running, waiting])
        }
      }),
    )
  })

  it('serves a user of one priority in the order of arrival', () => {
    fc.assert(
      fc.property(story, ({ steps, ...options }) => {
        const world = new World(options)
        for (const one of steps) take(world, one)
        for (const name of ['a', 'b', 'c', 'd']) {
          for (const level of [0, 10, 20]) {
            const own = world.starts.filter((one) => one.user === name && one.priority === level)
            const order = own.map((guest) => world.guests.indexOf(guest))
            assert.deepEqual(
              order,
              order.toSorted((x, y) => x - y),
            )
          }
        }
      }),
    )
  })

  it('lets everybody of a tier who waits have a turn between two turns of one user', () => {
    fc.assert(
      fc.property(fc.array(user, { maxLength: 60 }), (users) => {
        const world = new World()
        world.come('holder')
        for (const name of users) world.come(name)
        const order = world.drain().map((name) => name.slice(0, 1))
        for (let left = order; left.length > 0; left = left.slice(1)) {
          const again = left.indexOf(left[0] ?? '', 1)
          if (again === -1) continue
          const between = new Set(left.slice(0, again))
          assert.deepEqual(between, new Set(left))
        }
      }),
    )
  })

  it('serves the second request of one user before the 500th of another', () => {
    const world = new World()
    world.come('holder')
    for (let n = 0; n < 500; n++) world.come('a')
    world.come('b')
    world.come('b')
    assert.deepEqual(world.drain().slice(0, 5), ['a0', 'b0', 'a1', 'b1', 'a2'])
  })

  it('serves higher priorities first while nobody has waited long', () => {
    fc.assert(
      fc.property(fc.array(priority, { maxLength: 60 }), (priorities) => {
        const world = new World()
        world.come('holder')
        for (const level of priorities) world.come('a', level)
        world.drain()
        const order = world.starts.slice(1).map((guest) => guest.priority)
        assert.deepEqual(
          order,
          priorities.toSorted((x, y) => y - x),
        )
      }),
    )
  })

  it('starts one who has waited a quarter of the time within 4 · D · U · (n + 1) starts, whatever comes', () => {
    const crowd = fc.array(fc.record({ user, priority }), { maxLength: 40 })
    fc.assert(
      fc.property(crowd, fc.array(user, { minLength: 1 }), (before, flood) => {
        const world = new World({ maxQueue: 100_000 })
        world.come('holder')
        for (const one of before) world.come(one.user, one.priority)
        const poor = world.come('a', 0)
        world.now += 7_500
        const ahead = before.filter((one) => one.user === 'a' && one.priority === 0).length
        const bound = 4 * 2 * 4 * (ahead + 1)
        for (let starts = 0; poor.state === 'waiting'; starts++) {
          assert.ok(starts <= bound, `${starts} of ${bound}`)
          // For each that starts two come that matter more, and one that matters as much.
          const name = flood[starts % flood.length] ?? ''
          for (const level of [0, 10, 20]) world.come(name, level)
          world.endOne()
        }
      }),
    )
  })

  it('leaves the highest priority three starts of four, however long others have waited', () => {
    const world = new World()
    world.come('holder')
    for (let n = 0; n < 40; n++) world.come('poor', 0)
    world.now += 20_000
    for (let n = 0; n < 30; n++) world.come('rich', 20)
    const order = world.drain().slice(0, 40)
    assert.equal(order.filter((name) => name.startsWith('rich')).length, 30)
    assert.equal(order[3], 'poor0')
  })

  it('refuses those who have waited as long as they may, and nobody else', () => {
    const world = new World({ maxWaitMs: 1_000 })
    const holder = world.come('holder')
    const early = world.come('a')
    world.now = 400
    const late = world.come('b', 20)
    world.now = 999
    world.line.expire()
    assert.equal(early.state, 'waiting')
    world.now = 1_000
    world.line.expire()
    assert.deepEqual([early.state, late.state, holder.state], ['refused', 'waiting', 'running'])
    assert.equal(world.line.delayMs, 600)
  })

  it('frees nothing when one leaves who waits, or when the end is told twice', () => {
    const world = new World()
    const holder = world.come('holder')
    const [first, second, third] = [world.come('a'), world.come('b'), world.come('c')]
    world.end(first)
    assert.deepEqual([world.line.running, world.line.waiting], [1, 2])
    world.end(holder)
    assert.equal(second.state, 'running')
    world.end(second)
    world.end(second)
    assert.equal(third.state, 'running')
    assert.equal(world.line.running, 1)
  })

  it('makes room in a full queue for a higher priority, and for a user with fewer waiting', () => {
    const world = new World({ maxQueue: 3 })
    world.come('holder')
    const [, , last] = [world.come('a'), world.come('a'), world.come('a')]
    const other = world.come('b')
    assert.deepEqual([last.state, other.state], ['refused', 'waiting'])
    assert.equal(world.come('a').state, 'refused')
    assert.equal(world.come('rich', 20).state, 'waiting')
    assert.deepEqual(world.drain(), ['rich0', 'a0', 'b0'])
  })

  it('moves one whose priority is learned later, without loss of its time', () => {
    const world = new World()
    world.come('holder')
    const moved = world.come('a', 0)
    world.come('a', 10)
    assert.ok(moved.ticket)
    world.line.move(moved.ticket, { user: 'a', priority: 10 })
    assert.deepEqual(world.drain(), ['a0', 'a1'])
    world.line.move(moved.ticket, { user: 'a', priority: 10 })
    assert.equal(world.line.waiting, 0)
  })

  it('takes a priority that is no number for 0', () => {
    const world = new World()
    world.come('holder')
    for (const level of [-1, NaN, 1]) world.come(`p${level}`, level)
    assert.deepEqual(world.drain(), ['p10', 'pNaN0', 'p-10'])
  })

  it('goes on with the others when a start throws', () => {
    const world = new World({ concurrency: 2 })
    const holder = world.come('holder')
    world.come('holder')
    const fate = { start: () => assert.fail('no'), refuse: () => undefined }
    const ticket = world.line.join({ user: 'x', priority: 9 }, fate)
    const next = world.come('a')
    assert.throws(() => world.end(holder), /no/)
    assert.ok(ticket)
    world.line.finish(ticket)
    assert.equal(next.state, 'running')
  })
})
