import type { Clock } from '../clock.js'
import { KeptChanges } from '../kept-changes.js'
import { requestWaitMs } from '../kept-fresh.js'
import type { Logger } from '../logger.js'
import type { OpenErasure } from '../store/erasure-store.js'

type Known = OpenErasure & { readonly updated_at: Date }

/** The store, as it is read here. */
export interface ErasureDoor {
  since(since: Date | undefined): Promise<Known[]>
}

/** Somebody was erased: what is in memory of what they did before an instant is to be forgotten. */
export type OnErased = (userId: string, until: Date) => void

/** Who was erased, as this process knows it: within ten seconds, while it is in use. */
export class KnownErasures extends KeptChanges<Known> {
  readonly #door: ErasureDoor
  readonly #known = new Map<string, OpenErasure>()
  readonly #listeners: OnErased[] = []
  #droppedBefore = new Date(0)

  constructor(door: ErasureDoor, clock: Clock, logger: Logger) {
    super({ what: 'erasures', waitMs: requestWaitMs, clock, logger })
    this.#door = door
  }

  onErased(listener: OnErased): void {
    this.#listeners.push(listener)
  }

  /** Those whose events may still arrive, as far as is known here. */
  get open(): readonly OpenErasure[] {
    return [...this.#known.values()]
  }

  /** User ids are not to be kept longer than their events may arrive. */
  dropBefore(instant: Date): void {
    this.#droppedBefore = instant
    for (const [id, { until }] of this.#known) if (until < instant) this.#known.delete(id)
  }

  protected changedSince(since: Date | undefined): Promise<Known[]> {
    return this.#door.since(since)
  }

  protected take(erasure: Known): void {
    if (erasure.until < this.#droppedBefore) return
    const known = this.#known.get(erasure._id)
    if (known !== undefined && known.until >= erasure.until) return
    this.#known.set(erasure._id, erasure)
    for (const listener of this.#listeners) listener(erasure.user_id, erasure.until)
  }
}
