import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { clearTimeout, setTimeout } from 'node:timers'
import type { Clock } from '../clock.js'
import { refusal, upstreamFailures, type UpstreamFailure } from './failure.js'

/** How long a connection may take to stand, ms. */
const connectTimeoutMs = 10_000

/** A kept connection that was closed says so as soon as something is sent; later, a call was at work, ms. */
const staleMs = 1_000

/** One call to the provider. */
export interface Call {
  readonly method: string
  /** Below the base URL, with the query. */
  readonly target: string
  readonly headers: OutgoingHttpHeaders
  readonly body: string | IncomingMessage | undefined
  /** Ends the call, whatever it is at. */
  readonly signal: AbortSignal
  /** Whether silence is the client's doing, which reads too slowly. */
  readonly isPaused: () => boolean
}

/** What became of a call, as far as it is known; the failure may come after the answer's head. */
export interface Progress {
  timedOut: boolean
  /** Times that the call was sent. */
  attempts: number
}

/** The provider at its address, over connections that are kept alive. Never follows a redirect. */
export class Upstream {
  readonly #base: URL
  readonly #timeoutMs: number
  readonly #clock: Clock
  readonly #agent: HttpAgent

  constructor(base: URL, timeoutMs: number, clock: Clock) {
    this.#base = base
    this.#timeoutMs = timeoutMs
    this.#clock = clock
    this.#agent =
      base.protocol === 'https:'
        ? new HttpsAgent({ keepAlive: true })
        : new HttpAgent({ keepAlive: true })
  }

  /**
   * Sends a call and resolves with the head of the answer.
   * Rejects with `upstream_unreachable` or `upstream_timeout`.
   */
  send(call: Call, progress: Progress): Promise<IncomingMessage> {
    return this.#try(call, progress, true)
  }

  /** Ends the connections that are idle and, by ending those, whatever still waits on them. */
  close(): void {
    this.#agent.destroy()
  }

  #try(call: Call, progress: Progress, mayRetry: boolean): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      progress.attempts += 1
      const request = this.#open(call)
      const began = this.#clock.elapsed()
      this.#watchTime(request, call, progress)
      let answered = false
      request.once('response', (answer) => {
        answered = true
        resolve(answer)
      })
      request.on('error', (error: Error & { code?: string }) => {
        // From here on whoever reads the answer hears of it.
        if (answered) return
        // A kept connection that the provider had closed meanwhile: the call never reached it.
        const isReset = request.reusedSocket && error.code === 'ECONNRESET' && !progress.timedOut
        const isStale = isReset && this.#clock.elapsed() - began < staleMs
        if (isStale && mayRetry && typeof call.body !== 'object' && !call.signal.aborted) {
          this.#try(call, progress, false).then(resolve, reject)
        } else reject(failure(progress.timedOut ? 'upstream_timeout' : 'upstream_unreachable'))
      })
      send(request, call.body)
    })
  }

  #open({ method, target, headers, signal }: Call): ClientRequest {
    const { protocol, hostname, port, pathname } = this.#base
    const open = protocol === 'https:' ? httpsRequest : httpRequest
    return open({
      agent: this.#agent,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? undefined : Number(port),
      path: pathname.replace(/\/$/, '') + target,
      method,
      headers,
      signal,
    })
  }

  #watchTime(request: ClientRequest, { isPaused }: Call, progress: Progress): void {
    const giveUp = () => {
      progress.timedOut = true
      request.destroy()
    }
    request.setTimeout(this.#timeoutMs, () => {
      if (isPaused()) request.socket?.setTimeout(this.#timeoutMs)
      else giveUp()
    })
    request.once('socket', (socket) => {
      if (!socket.connecting) return
      const timer = setTimeout(giveUp, connectTimeoutMs)
      const stop = () => clearTimeout(timer)
      socket.once('connect', stop).once('close', stop)
    })
  }
}

function send(request: ClientRequest, body: Call['body']): void {
  if (body === undefined || typeof body === 'string') {
    request.end(body)
    return
  }
  body.pipe(request)
  // What the client still sends is read and forgotten, so that it comes to read the answer.
  request.once('close', () => {
    body.unpipe(request)
    body.resume()
  })
}

export function failure(code: Exclude<UpstreamFailure, 'upstream_cut'>) {
  return refusal(code, upstreamFailures[code])
}
