import type { Clock } from '../clock.js'
import { invalidOption, shown } from '../identity/invalid-option.js'
import { leastRecent } from '../least-recent.js'
import type { Logger } from '../logger.js'
import type { NoticeDoc } from '../store/notice-store.js'
import { isNoticeOf, type UsageNotices } from './notice.js'

/** The store, as it is used here. */
export interface NoticeDoor {
  claim(notice: NoticeDoc): Promise<boolean>
}

type Type = keyof UsageNotices
type Listener<T extends Type> = (notice: UsageNotices[T]) => unknown

export interface NoticesOptions {
  readonly door: NoticeDoor
  readonly clock: Clock
  readonly logger: Logger
}

/** How long it is remembered in the store that something was told, after its period, ms. */
const rememberedMs = 86_400_000

/**
 * Tells listeners what has happened, each thing once over all instances that listen: who enters it in
 * the store first tells it. An instance that dies in between has told nobody.
 */
export class Notices {
  readonly #options: NoticesOptions
  readonly #listeners: { readonly [T in Type]: Set<Listener<T>> } = {
    threshold: new Set(),
    limit: new Set(),
    blocked: new Set(),
    unpriced: new Set(),
  }
  /** What has been entered, by whomever; a full cache costs a trip. */
  readonly #known = leastRecent<string, true>(50_000)
  readonly #claiming = new Set<Promise<void>>()

  constructor(options: NoticesOptions) {
    this.#options = options
  }

  /** Answers how to stop. @throws UsageError `invalid_option` for another type */
  on<T extends Type>(type: T, listener: Listener<T>): () => void {
    const types = Object.keys(this.#listeners)
    if (!types.includes(type))
      throw invalidOption('type', `must be one of ${types.join(', ')}`, shown(type))
    if (typeof listener !== 'function')
      throw invalidOption('listener', 'must be a function', shown(listener))
    const listeners: Set<Listener<T>> = this.#listeners[type]
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  /** Whether somebody listens: what nobody hears is not entered either. */
  hears(type: Type): boolean {
    return this.#listeners[type].size > 0
  }

  /**
   * Tells something, unless somebody has. `id` names it among its type; `until` is when it may happen
   * anew, epoch ms. Never throws; what cannot be entered now is told the next time it is noticed.
   */
  raise<T extends Type>(type: T, id: string, until: number, make: () => UsageNotices[T]): void {
    const _id = `${type}:${id}`
    if (!this.hears(type) || this.#known.has(_id)) return
    this.#known.set(_id, true)
    const claiming = this.#claim(type, _id, until, make).finally(() => {
      this.#claiming.delete(claiming)
    })
    this.#claiming.add(claiming)
  }

  /** Forgets what was told of a user. */
  forget(userId: string): void {
    for (const id of this.#known.keys()) {
      if (isNoticeOf(id, userId)) this.#known.delete(id)
    }
  }

  /** Resolves when all that was noticed so far has been told, or could not be. */
  async settled(): Promise<void> {
    await Promise.all(this.#claiming)
  }

  async #claim<T extends Type>(
    type: T,
    _id: string,
    until: number,
    make: () => UsageNotices[T],
  ): Promise<void> {
    const { door, clock, logger } = this.#options
    const now = clock.now()
    const forgotten = Number.isFinite(until) ? until + rememberedMs : 8.64e15
    try {
      const claimed = await door.claim({
        ...{ _id, type, at: new Date(now) },
        expires_at: new Date(Math.max(now, forgotten)),
      })
      if (claimed) this.#tell(type, make())
    } catch (error) {
      this.#known.delete(_id)
      logger.warn(`usage: a notice (${type}) could not be entered: ${String(error)}`)
    }
  }

  #tell<T extends Type>(type: T, notice: UsageNotices[T]): void {
    const listeners: Set<Listener<T>> = this.#listeners[type]
    for (const listener of listeners) {
      Promise.resolve(notice)
        .then(listener)
        .catch((error: unknown) => {
          this.#options.logger.error(`usage: a listener of ${type} failed: ${String(error)}`)
        })
    }
  }
}
