import { clearTimeout, setTimeout } from 'node:timers'
import type { UnrecordedEvent } from '../event.js'
import { Episode } from '../ledger/episode.js'
import type { ProxyContext } from './context.js'
import { readGeneration } from './generation.js'
import { upstreamHeaders } from './headers.js'
import type { ProxyConfig } from './options.js'
import type { Upstream } from './upstream.js'

/** When to ask, ms after the last time; then the estimate stays. */
const waitsMs = [1_000, 2_000, 5_000, 15_000, 60_000, 300_000]
/** Generations waited for at most; beyond it estimates stay. */
const maxWaiting = 1_000
const maxAnswerBytes = 256 * 1024

/**
 * Asks OpenRouter later what a generation came to whose stream did not live to tell, and corrects
 * the event. The event is stored at once with its estimate: nothing is held back, and correcting
 * sets figures, so doing it twice changes nothing.
 */
export class SettleLater {
  readonly #context: ProxyContext
  readonly #config: ProxyConfig
  readonly #upstream: Upstream
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #ended = new AbortController()
  readonly #given: Episode

  constructor(context: ProxyContext, config: ProxyConfig, upstream: Upstream) {
    this.#context = context
    this.#config = config
    this.#upstream = upstream
    this.#given = new Episode(context.clock, (count) =>
      context.logger.warn(`usage: ${count} cut answers of openrouter keep their estimates`),
    )
  }

  /** Looks whether an event has figures yet, and if not, whether they can be had. */
  look(event: UnrecordedEvent): void {
    const { dialect } = this.#config
    const { generation_id } = event
    if (dialect.family !== 'openrouter' || generation_id === undefined) return
    if (event.token_source === 'provider' || this.#ended.signal.aborted) return
    if (this.#timers.size >= maxWaiting) this.#given.happened()
    else this.#soon(event._id, generation_id, 0)
  }

  close(): void {
    this.#ended.abort()
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #soon(eventId: string, generationId: string, attempt: number): void {
    const wait = waitsMs[attempt]
    if (wait === undefined) {
      this.#given.happened()
      return
    }
    const timer = setTimeout(() => {
      void this.#try(eventId, generationId).then((settled) => {
        this.#timers.delete(timer)
        if (!settled && !this.#ended.signal.aborted) this.#soon(eventId, generationId, attempt + 1)
      })
    }, wait)
    timer.unref()
    this.#timers.add(timer)
  }

  /** Never rejects: what does not work now is tried again. */
  async #try(eventId: string, generationId: string): Promise<boolean> {
    try {
      const correction = readGeneration(await this.#ask(generationId))
      return correction !== undefined && (await this.#context.correct(eventId, correction))
    } catch {
      return false
    }
  }

  async #ask(generationId: string): Promise<unknown> {
    const answer = await this.#upstream.send(
      {
        method: 'GET',
        target: `/generation?id=${encodeURIComponent(generationId)}`,
        headers: upstreamHeaders({}, this.#config),
        body: undefined,
        signal: this.#ended.signal,
        isPaused: () => false,
      },
      { timedOut: false, attempts: 0 },
    )
    let text = ''
    for await (const chunk of answer.setEncoding('utf8') as AsyncIterable<string>) {
      text += chunk
      if (text.length > maxAnswerBytes) break
    }
    return answer.statusCode === 200 ? JSON.parse(text) : undefined
  }
}
