import { clearTimeout, setTimeout } from 'node:timers'
import type { Clock } from '../clock.js'
import { aboutCounter } from '../notices/notice.js'
import type { Notices } from '../notices/notices.js'
import type { Level, Limiter } from './limiter.js'
import { nowKey, type Standing } from './standing.js'

/** How soon after something is settled its counter is looked at, ms. */
const lookMs = 500
/** Counters looked at in one trip at most. */
const maxLooks = 500

/** Looks at counters after something was settled in them, and tells what they have reached. */
export class Watch {
  readonly #limiter: Limiter
  readonly #notices: Notices
  readonly #clock: Clock
  #touched = new Map<string, Level>()
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(limiter: Limiter, notices: Notices, clock: Clock) {
    this.#limiter = limiter
    this.#notices = notices
    this.#clock = clock
  }

  /** Something was settled. */
  touched(level: Level): void {
    if (!this.#isHeard() || level.plan.limits.length === 0) return
    this.#touched.set(level.subject, level)
    this.#lookSoon()
  }

  /** A limit has refused an operation. */
  refused(subject: string, violated: readonly Standing[]): void {
    for (const one of violated) this.#tellLimit(subject, one)
  }

  /** Looks at all that was touched, and resolves when it has been told. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const levels = [...this.#touched.values()]
    this.#touched = new Map()
    for (let at = 0; at < levels.length; at += maxLooks) {
      await this.#look(levels.slice(at, at + maxLooks))
    }
    await this.#notices.settled()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  #isHeard(): boolean {
    return this.#notices.hears('threshold') || this.#notices.hears('limit')
  }

  #lookSoon(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    this.#timer = setTimeout(() => void this.flush(), lookMs)
    this.#timer.unref()
  }

  async #look(levels: readonly Level[]): Promise<void> {
    try {
      const standings = await this.#limiter.lookAll(levels)
      for (const [index, { subject }] of levels.entries()) {
        for (const one of standings[index] ?? []) this.#tell(subject, one)
      }
    } catch {
      // MongoDB is away: looked at again when something is settled next, or is back.
      for (const level of levels) this.touched(level)
    }
  }

  #tell(subject: string, one: Standing): void {
    const { limit, used } = one
    for (const threshold of limit.thresholds ?? []) {
      if (used < (limit.limit * threshold) / 100) break
      const id = `${subject}:${limit.name}:${one.key}:${threshold}`
      this.#notices.raise('threshold', id, one.resetsAt, () => ({
        type: 'threshold',
        threshold,
        ...this.#facts(subject, one),
      }))
    }
    if (used >= limit.limit) this.#tellLimit(subject, one)
  }

  #tellLimit(subject: string, one: Standing): void {
    if (one.key === nowKey) return
    const id = `${subject}:${one.limit.name}:${one.key}`
    this.#notices.raise('limit', id, one.resetsAt, () => ({
      type: 'limit',
      ...this.#facts(subject, one),
    }))
  }

  #facts(subject: string, { limit, used, startsAt, resetsAt }: Standing) {
    const { name, metric, window, enforcement } = limit
    const shown = (amount: number) => (metric === 'cost' ? amount / 1e9 : amount)
    return {
      ...aboutCounter(subject),
      ...{ name, metric, window, enforcement, limit: shown(limit.limit), used: shown(used) },
      period_start: Number.isFinite(startsAt) ? new Date(startsAt) : null,
      period_end: Number.isFinite(resetsAt) ? new Date(resetsAt) : null,
      at: new Date(this.#clock.now()),
    }
  }
}
