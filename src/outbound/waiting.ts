import { clearTimeout, setTimeout } from 'node:timers'
import type { Capture, Ending } from '../capture/capture.js'
import { Calls } from '../capture/calls.js'

/** How long an operation waits for provider calls that outlive its response, ms. */
const longestMs = 5 * 60_000
/**
 * After a client has left, its handler is given this long to begin its next call (an agent between
 * two steps), ms.
 */
const pauseMs = 500
/** How often it is looked whether it has, ms. */
const stepMs = 25
/** Operations that wait at once; beyond them the oldest counts with what its calls have told. */
const maxWaiting = 1_000

/** Operations whose response is over but whose calls to providers are not. */
export class Waiting {
  readonly #isObserving: boolean
  readonly #releases = new Set<() => void>()
  #onEmpty: (() => void)[] = []
  #stopped = false

  /** Without observing calls, there is nothing to wait for. */
  constructor(isObserving: boolean) {
    this.#isObserving = isObserving
  }

  get size(): number {
    return this.#releases.size
  }

  /** Resolves when the calls of an operation are over, or not waited for longer; undefined = now. */
  hold(capture: Capture, { finished }: Ending): Promise<void> | undefined {
    if (!this.#isObserving || this.#stopped) return undefined
    const { res } = capture
    const mayGoOn = !finished && !res.writableEnded && isHandled(capture)
    if (mayGoOn) capture.calls ??= new Calls()
    const { calls } = capture
    if (calls === undefined || (!calls.isOpen && !mayGoOn)) return undefined
    /** Until a handler that may go on has begun its next call, has ended, or is taken to have. */
    const pause = async () => {
      for (
        let waited = 0;
        waited < pauseMs && !res.writableEnded && !calls.isOpen;
        waited += stepMs
      )
        await sleep(stepMs)
    }
    return this.#within(async (isOver) => {
      let seen: number
      do {
        seen = calls.all.length
        await calls.idle()
        if (mayGoOn) await pause()
      } while ((calls.isOpen || calls.all.length > seen) && !isOver())
    }, calls)
  }

  /** Resolves when none waits any more, or after `ms`. */
  async settled(ms: number): Promise<void> {
    if (this.size === 0) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#onEmpty.push(resolve)
      timer = setTimeout(resolve, ms)
    })
    clearTimeout(timer)
  }

  /** Lets all go, and none wait from here on. */
  stop(): void {
    this.#stopped = true
    for (const release of [...this.#releases]) release()
  }

  #within(work: (isOver: () => boolean) => Promise<void>, calls: Calls): Promise<void> {
    return new Promise((resolve) => {
      const release = () => {
        if (!this.#releases.delete(release)) return
        clearTimeout(timer)
        calls.seal()
        resolve()
        if (this.size === 0) for (const done of this.#onEmpty.splice(0)) done()
      }
      const timer = setTimeout(release, longestMs)
      timer.unref()
      this.#releases.add(release)
      const [oldest] = this.#releases
      if (this.size > maxWaiting) oldest?.()
      void work(() => !this.#releases.has(release)).then(release)
    })
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}

/** Whether a handler of the host's works on it. */
function isHandled({ neverServed, refusal, proxied }: Capture): boolean {
  return !neverServed && refusal === undefined && proxied === undefined
}
