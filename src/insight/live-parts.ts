import { sliceMs, type LiveRow, type LiveSums } from '../store/live-store.js'
import { minuteMs } from '../time.js'

/** Somebody who did something, and in how many of the parts that are known. */
interface User {
  readonly id: string
  parts: number
}

/** A slice or a minute. */
interface Part {
  readonly ms: number
  readonly rows: readonly LiveSums[]
  readonly users: readonly User[]
}

/** What is known of parts of the last hour, by when they start. */
export class LiveParts {
  readonly #parts = new Map<number, Part>()
  readonly #users = new Map<string, User>()

  get rows(): LiveSums[] {
    return [...this.#parts.values()].flatMap(({ rows }) => rows)
  }

  /** How many did anything. */
  get users(): number {
    return this.#users.size
  }

  has(start: number, ms: number): boolean {
    return this.#parts.get(start)?.ms === ms
  }

  keep(start: number, ms: number, rows: readonly LiveRow[]): void {
    const ids = new Set(rows.flatMap((row) => row.users))
    const users: User[] = []
    for (const id of ids) {
      const user = this.#users.get(id) ?? { id, parts: 0 }
      this.#users.set(id, user)
      user.parts += 1
      users.push(user)
    }
    this.#parts.set(start, { ms, rows: rows.map(({ users: _, ...sums }) => sums), users })
  }

  forget(isStale: (start: number, ms: number) => boolean): void {
    for (const [start, { ms, users }] of this.#parts) {
      if (!isStale(start, ms)) continue
      this.#parts.delete(start)
      for (const user of users) {
        user.parts -= 1
        if (user.parts === 0) this.#users.delete(user.id)
      }
    }
  }

  /** Makes one part of a minute of which all slices are known: less to keep. */
  merge(minute: number): void {
    const starts = slicesOf(minute)
    if (!starts.every((start) => this.has(start, sliceMs))) return
    const slices = starts.map((start) => this.#parts.get(start))
    const byType = new Map<string, LiveSums>()
    for (const row of slices.flatMap((slice) => slice?.rows ?? []))
      byType.set(row.operation_type, sumOf(row, byType.get(row.operation_type)))
    const rows = [...byType.values()].map((row) => ({ ...row, start: new Date(minute) }))
    const users = new Set(slices.flatMap((slice) => slice?.users ?? []))
    for (const user of users) user.parts += 1
    this.forget((start) => start >= minute && start < minute + minuteMs)
    this.#parts.set(minute, { ms: minuteMs, rows, users: [...users] })
  }
}

/** When the slices of a minute start. */
export function slicesOf(minute: number): number[] {
  return Array.from({ length: minuteMs / sliceMs }, (_, index) => minute + index * sliceMs)
}

function sumOf(one: LiveSums, other: LiveSums | undefined): LiveSums {
  if (other === undefined) return one
  return {
    start: one.start,
    operation_type: one.operation_type,
    operations: one.operations + other.operations,
    failed_operations: one.failed_operations + other.failed_operations,
    tokens: one.tokens + other.tokens,
    response_time_ms_sum: one.response_time_ms_sum + other.response_time_ms_sum,
    response_time_samples: one.response_time_samples + other.response_time_samples,
  }
}
