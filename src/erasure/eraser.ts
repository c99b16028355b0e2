import type { Clock } from '../clock.js'
import { within } from '../deadline.js'
import { UsageError } from '../errors.js'
import { anonymousUserId } from '../identity/user-id.js'
import type { Logger } from '../logger.js'
import { moved, retryMoved } from '../retry-moved.js'
import type { ErasureDoc, OpenErasure } from '../store/erasure-store.js'
import type { Renaming } from '../store/person-logs.js'
import type { Store } from '../store/store.js'
import { dayMs, hourMs, minuteMs } from '../time.js'
import { erase, isLeft, type EraseDoor } from './erase.js'
import type { KnownErasures } from './known-erasures.js'
import { erasureId, isPseudonym, pseudonymOf } from './pseudonym.js'

export interface EraserOptions {
  readonly store: EraseDoor & Pick<Store, 'erasures' | 'audit'>
  readonly clock: Clock
  readonly logger: Logger
  readonly known: KnownErasures
  /** Writes what this process has accepted so far. */
  readonly flush: (userId: string) => Promise<void>
  /** Renames in what was put aside on this machine; false where some of it stays. Never rejects. */
  readonly renameAside: (renamings: readonly Renaming[]) => Promise<boolean>
}

/** How long whoever asks waits for it to be done, ms. */
const answerMs = 10_000
const flushMs = 2_000
/** Events that began before an erasure are looked for this long, ms. */
const openMs = 7 * dayMs
/** Erasures looked at in one run at most. */
const maxChecks = 200
/** Names that come back while it is at work are looked for so often. */
const maxPasses = 5

/** Erases persons: puts a pseudonym in the place of their user id, and goes on until nothing is left. */
export class Eraser {
  readonly #options: EraserOptions
  readonly #stopping = new AbortController()
  readonly #working = new Map<string, Promise<void>>()

  constructor(options: EraserOptions) {
    this.#options = options
  }

  /**
   * Erases what a user did up to now. Resolves when it is done, or after ten seconds; then it goes on.
   * @throws UsageError `not_erasable`
   */
  async request(userId: string, actor: string): Promise<ErasureDoc> {
    if (userId === anonymousUserId || isPseudonym(userId)) {
      throw new UsageError('not_erasable', 'Nobody stands behind this user id')
    }
    const { store, known, clock } = this.#options
    const began = clock.elapsed()
    await within(this.#options.flush(userId), flushMs).catch(() => false)
    const doc = await retryMoved(() => this.#note(userId, actor))
    await known.refresh()
    const left = Math.max(0, answerMs - (clock.elapsed() - began))
    // What fails now is taken up again by the job.
    await within(this.#work(doc), left).catch(() => false)
    return (await store.erasures.find(doc._id)) ?? doc
  }

  /**
   * Goes on with what is not done, and looks whether something has come back. One that fails holds up
   * no other. Rejects where the store does.
   */
  async run(): Promise<void> {
    const { db, erasures } = this.#options.store
    const now = await db.serverNow()
    const failures: unknown[] = []
    for (const doc of await erasures.due(now, maxChecks)) {
      try {
        await this.#check(doc, now)
      } catch (error) {
        failures.push(error)
        // Where the store is away, nothing is gone on with.
        await db.serverNow()
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /**
   * What every instance does for itself: renames what was put aside on its machine, and forgets user
   * ids that nothing can arrive for any more. Rejects where the store does.
   */
  async runHere(): Promise<void> {
    const { store, known, renameAside } = this.#options
    await known.look()
    if (known.open.length === 0) return
    const now = await store.db.serverNow()
    if (!(await renameAside(known.open.map(renamingOf)))) return
    known.dropBefore(new Date(now.getTime() - openMs))
  }

  /** Leaves what is not done to others, or to the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.allSettled(this.#working.values())
  }

  async #check(doc: OpenErasure, now: Date): Promise<void> {
    const { store, renameAside } = this.#options
    const renaming = renamingOf(doc)
    await store.persons.facts.removeEcho(renaming)
    if (doc.status === 'pending' || (await isLeft(store, renaming))) {
      await this.#work(doc)
      return
    }
    const isOver = now.getTime() - doc.until.getTime() > openMs
    if (isOver && (await renameAside([renaming]))) await store.erasures.close(doc)
    else await store.erasures.checkAgain(doc, nextCheck(doc, now))
  }

  /** Writes down, audited, that a user is to be erased. */
  async #note(user_id: string, actor: string): Promise<OpenErasure> {
    const { store } = this.#options
    const key = await store.state.erasureKey()
    const _id = erasureId(key, user_id)
    const before = await store.erasures.find(_id)
    const goesOn = before !== undefined && !(await this.#isNew(before, user_id))
    const generation = goesOn ? before.generation : (before?.generation ?? 0) + 1
    const pseudonym = pseudonymOf(key, user_id, generation)
    const now = await store.db.serverNow()
    const doc: OpenErasure = {
      ...{ _id, user_id, pseudonym, generation, until: now, status: 'pending' },
      operations: goesOn ? before.operations : 0,
      ...{ check_at: now, changed_at: now },
    }
    const entry = {
      ...{ actor: actor === user_id ? pseudonym : actor, action: 'user.erase' },
      ...{ resource: 'account', resource_id: pseudonym },
    }
    await store.audit.during(entry, async () => {
      if (!(await store.erasures.put(doc, before))) throw moved('The erasure')
    })
    return doc
  }

  /**
   * Whether a user has become somebody since the last erasure. What came late for that one is put there
   * first: it is the same person's as what was erased then.
   */
  async #isNew({ status, pseudonym, until }: ErasureDoc, userId: string): Promise<boolean> {
    const { store } = this.#options
    if (status === 'pending') return false
    const last = { from: userId, to: pseudonym, until }
    if (await isLeft(store, last)) await erase(store, last, this.#stopping.signal)
    const { logs, facts } = store.persons
    return (await logs.has(userId)) || facts.has(userId)
  }

  #work(doc: OpenErasure): Promise<void> {
    const known = this.#working.get(doc._id)
    if (known !== undefined) return known.then(() => this.#work(doc))
    const working = this.#erase(doc).finally(() => this.#working.delete(doc._id))
    this.#working.set(doc._id, working)
    working.catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return
      this.#options.logger.warn(`usage: erasing will be gone on with: ${String(error)}`)
    })
    return working
  }

  async #erase(doc: OpenErasure): Promise<void> {
    const { store, renameAside } = this.#options
    const renaming = renamingOf(doc)
    for (let pass = 0; pass < maxPasses; pass++) {
      await erase(store, renaming, this.#stopping.signal)
      if (!(await isLeft(store, renaming))) break
    }
    // What cannot be renamed there now is taken up again by the job of this instance.
    await renameAside([renaming])
    // What this process was just saying has arrived by now, mostly; the job looks once more.
    await store.persons.facts.removeEcho(renaming)
    const [totals] = await store.days.totals([doc.pseudonym])
    const now = await store.db.serverNow()
    await store.erasures.done(doc, totals?.total_operations ?? 0, nextCheck(doc, now))
  }
}

function renamingOf({ user_id, pseudonym, until }: OpenErasure): Renaming {
  return { from: user_id, to: pseudonym, until }
}

/** Every minute at first; what has been quiet for long is looked at less often. */
function nextCheck({ until }: ErasureDoc, now: Date): Date {
  const age = now.getTime() - until.getTime()
  const wait = age < 10 * minuteMs ? minuteMs : age < dayMs ? 10 * minuteMs : hourMs
  return new Date(now.getTime() + wait)
}
