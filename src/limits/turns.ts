import { Chain, type Link } from './chain.js'

/** Where a request stands: whose it is, and how much it matters. */
export interface Standing {
  readonly user: string
  /** The higher, the sooner. */
  readonly priority: number
}

/** What can be said of anything that waits. */
export interface Waiting {
  /** Order of arrival. */
  readonly seq: number
  /** Monotonic ms at which it came. */
  readonly since: number
}

/** While somebody has waited too long, every so many starts one is for a lower priority. */
const everyStarts = 4

/** Those of one user in one tier, first come first served. */
interface Lane<W> {
  readonly user: string
  readonly waiters: Chain<W>
  /** Its place among the users of the tier. */
  turn: Link<Lane<W>>
}

/** Those of one priority. */
interface Tier<W> {
  readonly priority: number
  readonly waiters: Chain<W>
  readonly lanes: Map<string, Lane<W>>
  /** Whose turn it is first. */
  readonly turns: Chain<Lane<W>>
  /** Which start was the last of this tier, or of all when it came to be. */
  servedAt: number
}

/** Where a waiter stands. */
export interface Place<W> {
  readonly waiter: W
  readonly tier: Tier<W>
  readonly lane: Lane<W>
  readonly inTier: Link<W>
  readonly inLane: Link<W>
}

/**
 * Says whose turn it is. The highest priority first; within one, users in turn; within a user, first
 * come first served. Once somebody of a lower priority has waited `patienceMs`, every fourth start is
 * for such a one: of the tiers that hold one in turn, and there as ever. So with D lower tiers and U
 * users in its own, a waiter with n of its user before it starts after at most 4 · D · U · (n + 1)
 * starts from then on, whatever else comes, and the highest priority keeps three starts of four.
 */
export class Turns<W extends Waiting & { place: Place<W> | undefined }> {
  readonly #patienceMs: number
  /** Highest priority first, none empty. */
  readonly #tiers: Tier<W>[] = []
  #starts = 0
  /** Starts since the last that was for somebody who had waited too long. */
  #passedOver = 0

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs
  }

  /** Who has waited longest. */
  get oldest(): W | undefined {
    let oldest: W | undefined
    for (const { waiters } of this.#tiers) {
      const { first } = waiters
      if (first && (oldest === undefined || first.seq < oldest.seq)) oldest = first
    }
    return oldest
  }

  add(waiter: W, { user, priority }: Standing): void {
    const tier = this.#tierOf(Number.isFinite(priority) ? priority : 0)
    const lane = tier.lanes.get(user) ?? openLane(tier, user)
    const mayFollow = (other: W) => other.seq < waiter.seq
    const inTier = tier.waiters.insert(waiter, mayFollow)
    const inLane = lane.waiters.insert(waiter, mayFollow)
    waiter.place = { waiter, tier, lane, inTier, inLane }
  }

  remove(waiter: W): void {
    const { place } = waiter
    if (place === undefined) return
    const { tier, lane } = place
    waiter.place = undefined
    tier.waiters.remove(place.inTier)
    lane.waiters.remove(place.inLane)
    if (lane.waiters.size === 0) {
      tier.turns.remove(lane.turn)
      tier.lanes.delete(lane.user)
    }
    if (tier.waiters.size === 0) this.#tiers.splice(this.#tiers.indexOf(tier), 1)
  }

  /**
   * Who should give way to a newcomer where there is no room for both: the latest of the user with
   * most waiting in the lowest tier, if the newcomer's is higher, or the same and it has less there.
   */
  rivalOf({ user, priority }: Standing): W | undefined {
    const tier = this.#tiers.at(-1)
    if (tier === undefined || !(priority >= tier.priority)) return undefined
    let longest: Lane<W> | undefined
    for (const lane of tier.lanes.values()) {
      if (longest === undefined || lane.waiters.size > longest.waiters.size) longest = lane
    }
    if (longest === undefined || priority > tier.priority) return longest?.waiters.last
    const own = tier.lanes.get(user)?.waiters.size ?? 0
    return longest.waiters.size > own + 1 ? longest.waiters.last : undefined
  }

  /** Takes out whose turn it is. */
  next(now: number): W | undefined {
    const tier = this.#overdueTier(now) ?? this.#tiers[0]
    const lane = tier?.turns.first
    const waiter = lane?.waiters.first
    if (tier === undefined || lane === undefined || waiter === undefined) return undefined
    this.#starts += 1
    tier.servedAt = this.#starts
    tier.turns.remove(lane.turn)
    lane.turn = tier.turns.push(lane)
    this.remove(waiter)
    return waiter
  }

  /** The lower tier whose turn it is because its waiters have waited too long, if it is. */
  #overdueTier(now: number): Tier<W> | undefined {
    let chosen: Tier<W> | undefined
    for (const [index, tier] of this.#tiers.entries()) {
      if (index === 0) continue
      const { first } = tier.waiters
      if (first === undefined || now - first.since < this.#patienceMs) continue
      if (chosen === undefined || tier.servedAt < chosen.servedAt) chosen = tier
    }
    this.#passedOver = chosen === undefined ? 0 : (this.#passedOver + 1) % everyStarts
    return this.#passedOver === 0 ? chosen : undefined
  }

  #tierOf(priority: number): Tier<W> {
    const index = this.#tiers.findIndex((tier) => tier.priority <= priority)
    const found = index === -1 ? undefined : this.#tiers[index]
    if (found?.priority === priority) return found
    const waiters = new Chain<W>()
    const turns = new Chain<Lane<W>>()
    const tier = { priority, waiters, lanes: new Map(), turns, servedAt: this.#starts }
    this.#tiers.splice(index === -1 ? this.#tiers.length : index, 0, tier)
    return tier
  }
}

function openLane<W>(tier: Tier<W>, user: string): Lane<W> {
  const lane = { user, waiters: new Chain<W>() } as Lane<W>
  lane.turn = tier.turns.push(lane)
  tier.lanes.set(user, lane)
  return lane
}
