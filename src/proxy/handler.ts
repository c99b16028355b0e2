import type { NextFunction, Request, Response } from 'express'
import type { Capture, Proxied } from '../capture/capture.js'
import { mountOf } from '../capture/mount-of.js'
import { UsageError } from '../errors.js'
import { anonymousUserId } from '../identity/user-id.js'
import type { ProxyContext } from './context.js'
import type { ProxyPath } from './dialects.js'
import { bearerHeaders } from './credentials.js'
import { ClientGone, failureEvent, refusal, type UpstreamFailure } from './failure.js'
import { upstreamHeaders } from './headers.js'
import { createModelCheck } from './model-list.js'
import type { ProxyConfig } from './options.js'
import { PathTable, shownPattern } from './path-table.js'
import { createPseudonyms } from './pseudonym.js'
import { isEventStream, relayBody, relayHead } from './relay.js'
import { readBody, type RequestBody } from './request-body.js'
import { rewrite, type Insertions } from './rewrite.js'
import type { SettleLater } from './settle-later.js'
import { parseTarget, type Target } from './target.js'
import type { Progress, Upstream } from './upstream.js'

/** A request on its way to the provider. */
interface Passage {
  readonly req: Request
  readonly res: Response
  readonly target: Target
  readonly path: ProxyPath
  readonly proxied: Proxied
  readonly capture: Capture | undefined
  readonly signal: AbortSignal
}

/** Serves the requests below the mount path. */
export class Handler {
  readonly #context: ProxyContext
  readonly #config: ProxyConfig
  readonly #upstream: Upstream
  readonly #settle: SettleLater
  readonly #paths: PathTable
  readonly #checkModel: ReturnType<typeof createModelCheck>
  readonly #pseudonym: (userId: string) => string

  constructor(context: ProxyContext, config: ProxyConfig, upstream: Upstream, settle: SettleLater) {
    this.#context = context
    this.#config = config
    this.#upstream = upstream
    this.#settle = settle
    this.#paths = new PathTable(config.paths)
    this.#checkModel = createModelCheck(config.models)
    this.#pseudonym = createPseudonyms(config.userSecret ?? context.secret)
  }

  async serve(req: Request, res: Response, next: NextFunction): Promise<void> {
    // Preflights are the host's business.
    if (req.method === 'OPTIONS') {
      next()
      return
    }
    const left = new AbortController()
    res.once('close', () => left.abort())
    const target = parseTarget(req.url)
    const found = this.#paths.find(req.method, target?.path ?? '')
    if (target === undefined || found.outcome === 'unknown') {
      throw refusal('path_not_allowed', 'The proxy does not pass this path on')
    }
    if (found.outcome === 'wrong_method') {
      res.set('Allow', found.allow.join(', '))
      throw refusal('method_not_allowed', 'The proxy does not pass this method on')
    }
    const { path, model } = found
    const proxied: Proxied = { sentBytes: 0, ...(model !== undefined && { model }) }
    const capture = this.#begin(req, res, path, proxied)
    const passage = { req, res, target, path, proxied, capture, signal: left.signal }
    const userId = await this.#admit(passage)
    if (capture && !(await this.#context.ask(capture, res))) return
    const body = await readBody(req, this.#config.maxBodyBytes)
    if (body.kind === 'json') proxied.asked = body.value
    this.#checkModel(model, body)
    await this.#pass(passage, body, userId)
  }

  #begin(req: Request, res: Response, path: ProxyPath, proxied: Proxied): Capture | undefined {
    const { meter } = this.#context
    const { type, estimateTokens } = path
    if (type === undefined) {
      meter.discard(req)
      return undefined
    }
    const endpoint = () => `${mountOf(req)}${shownPattern(path.path)}`
    meter.begin(req, res, meter.operationOf({ type, estimateTokens }, endpoint))
    const capture = meter.captureOf(req)
    if (capture === undefined) throw refusal('closed', 'The meter is closed')
    capture.proxied = proxied
    capture.annotations.provider = this.#config.dialect.provider
    proxied.onEvent = (event) => this.#settle.look(event)
    return capture
  }

  /** Answers the user's id; throws 401 or 403. */
  async #admit({ req, res, target, capture }: Passage): Promise<string> {
    const { find, admit } = this.#context
    const verdict = await find(req, bearerHeaders(req, target.key))
    if (!verdict.ok && verdict.reason === 'missing' && this.#config.anonymous === 'track') {
      return anonymousUserId
    }
    const caller = admit(res, verdict)
    if (caller instanceof UsageError) throw caller
    const { user_id, tier, org_id } = caller
    if (capture) {
      capture.subject = {
        user_id,
        ...(tier !== undefined && { tier }),
        ...(org_id !== undefined && { org_id }),
      }
    }
    return user_id
  }

  async #pass(passage: Passage, body: RequestBody, userId: string): Promise<void> {
    const { req, res, target, proxied, signal } = passage
    const headers = upstreamHeaders(req.headers, this.#config)
    const sent = this.#prepare(passage, body, userId)
    if (sent.text !== undefined) headers['content-length'] = Buffer.byteLength(sent.text)
    else if (body.kind === 'stream' && req.headers['content-length'] !== undefined) {
      headers['content-length'] = req.headers['content-length']
    }
    const progress: Progress = { timedOut: false, attempts: 0 }
    try {
      const answer = await this.#upstream.send(
        {
          method: req.method,
          target: target.path + target.query,
          headers,
          body: sent.text ?? (body.kind === 'stream' ? req : undefined),
          signal,
          isPaused: () => res.writableNeedDrain,
        },
        progress,
      )
      const { apiKey } = this.#config
      const options = { apiKey, hidesUsage: sent.hidesUsage, signal, heard: this.#ear(passage) }
      const stream = relayHead(answer, res, options)
      proxied.upstream = { contentType: answer.headers['content-type'] }
      const id = answer.headers['x-generation-id']
      if (typeof id === 'string') proxied.generation_id = id
      await relayBody(stream, answer, res, options).catch(() => {
        if (signal.aborted) throw new ClientGone()
        const failure = progress.timedOut ? 'upstream_timeout' : 'upstream_cut'
        this.#breakOff(passage, failure, isEventStream(answer))
      })
    } catch (error) {
      if (signal.aborted) throw new ClientGone()
      if (error instanceof UsageError) proxied.failure = error.code
      throw error
    } finally {
      proxied.attempts = Math.max(1, progress.attempts)
    }
  }

  #prepare({ target, capture }: Passage, body: RequestBody, userId: string) {
    if (body.kind !== 'json') return { text: undefined, hidesUsage: false }
    const { user } = this.#config
    const insertions: Insertions = {
      requestId: capture?.id,
      user: user === 'client' ? undefined : user === 'user_id' ? userId : this.#pseudonym(userId),
    }
    return rewrite(target.path, body, this.#config, insertions)
  }

  #ear({ capture }: Passage): (chunk: Buffer) => void {
    return (chunk) => capture?.heard(chunk)
  }

  /** Ends an answer that the provider left unfinished, so that the client can tell. */
  #breakOff({ res, target, proxied }: Passage, failure: UpstreamFailure, isStream: boolean): void {
    proxied.failure = failure
    const event = isStream ? failureEvent(this.#config.dialect, target.path, failure) : undefined
    if (event === undefined) res.destroy()
    else res.end(event)
  }
}
