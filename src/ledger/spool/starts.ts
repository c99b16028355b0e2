import type { StartFacts } from './event-json.js'
import type { Group } from './group.js'
import type { Log } from './log.js'

/** An operation that runs. Of those that are over before anything is written, nothing ever is. */
export class Running {
  readonly id: string
  readonly #log: Pick<Log, 'gatherer' | 'schedule'>
  #facts: (() => StartFacts) | undefined
  #group: Group | undefined
  #isOver = false

  constructor(id: string, facts: () => StartFacts, log: Pick<Log, 'gatherer' | 'schedule'>) {
    this.id = id
    this.#facts = facts
    this.#log = log
  }

  get isOver(): boolean {
    return this.#isOver
  }

  write(): void {
    const text = JSON.stringify(this.#facts?.())
    // They hold the request, which may outlive its event.
    this.#facts = undefined
    const group = this.#log.gatherer.groupFor(text)
    group.put('start', text)
    group.live += 1
    this.#group = group
  }

  /** Its event is kept, and says all. */
  ended(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#facts = undefined
    this.#group?.release()
  }

  /** It is not to count: as if it had never begun. */
  cancel(): void {
    if (this.#isOver) return
    const begun = this.#group
    this.ended()
    if (begun === undefined || begun.isLost) return
    const text = JSON.stringify({ _id: this.id })
    const group = this.#log.gatherer.groupFor(text)
    group.put('cancel', text)
    group.cancels.push(begun)
    this.#log.schedule()
  }
}
