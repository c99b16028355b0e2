import assert from 'node:assert/strict'
import { Line, type Ticket } from '../../src/limits/line.js'

/** One who came. */
export interface Guest {
  readonly name: string
  readonly user: string
  readonly priority: number
  readonly cameAt: number
  ticket: Ticket | undefined
  state: 'waiting' | 'running' | 'refused' | 'gone'
}

/** A line whose clock stands still unless told, and everything that happens in it. */
export class World {
  now = 0
  readonly guests: Guest[] = []
  readonly starts: Guest[] = []
  readonly line: Line

  constructor({ concurrency = 1, maxWaitMs = 30_000, maxQueue = 1_000 } = {}) {
    const clock = { elapsed: () => this.now }
    this.line = new Line({ concurrency, maxWaitMs, maxQueue, clock })
  }

  come(user: string, priority = 0): Guest {
    const name = `${user}${this.guests.filter((other) => other.user === user).length}`
    const guest: Guest = {
      ...{ name, user, priority },
      ...{ cameAt: this.now, ticket: undefined, state: 'waiting' },
    }
    this.guests.push(guest)
    const start = () => {
      assert.equal(guest.state, 'waiting')
      guest.state = 'running'
      this.starts.push(guest)
    }
    const refuse = () => {
      assert.equal(guest.state, 'waiting')
      guest.state = 'refused'
    }
    if (this.line.enter()) start()
    else guest.ticket = this.line.join({ user, priority }, { start, refuse })
    if (guest.state === 'waiting' && guest.ticket === undefined) guest.state = 'refused'
    return guest
  }

  end(guest: Guest): void {
    guest.state = 'gone'
    if (guest.ticket === undefined) this.line.release()
    else this.line.finish(guest.ticket)
  }

  in(state: Guest['state']): Guest[] {
    return this.guests.filter((guest) => guest.state === state)
  }

  /** Lets the oldest of those that run end. */
  endOne(): void {
    const [guest] = this.in('running')
    if (guest) this.end(guest)
  }

  /** Who starts, in order, when one after the other ends. */
  drain(): string[] {
    const before = this.starts.length
    while (this.line.running > 0) this.endOne()
    return this.starts.slice(before).map(({ name }) => name)
  }
}
