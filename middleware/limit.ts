import type { Response } from 'express'
import type { Capture } from '../src/capture/capture.js'
import type { Admission } from '../src/limits/limiter.js'
import { leftOf, passedOf, type Standing } from '../src/limits/standing.js'
import { UsageError } from '../src/errors.js'
import { sendProblem } from './problem.js'
import { setHeader } from './set-header.js'

/** Refusals of calendar windows are spread over this long, so that not all come back at once, s. */
const jitterSeconds = 5

/** Waits for what the plan says; false when the request has been answered, or its client has left. */
export async function heldToPlan(
  capture: Capture,
  res: Response,
  asked: Promise<Admission>,
  now: () => number,
): Promise<boolean> {
  capture.neverServed = true
  const admission = await asked
  if (capture.ending !== undefined) return false
  capture.neverServed = false
  if (applyAdmission(res, admission, now())) return true
  capture.refusal = refusals[admission.outcome as keyof typeof refusals]
  return false
}

/** As they are recorded. */
const refusals = {
  refused: 'quota_exceeded',
  unavailable: 'store_unavailable',
  barred: 'account_blocked',
} as const

/** What an admission means for the response; false when it was refused, and has been answered. */
function applyAdmission(res: Response, admission: Admission, now: number): boolean {
  switch (admission.outcome) {
    case 'unlimited':
      return true
    case 'barred':
      sendProblem(
        res,
        new UsageError('account_blocked', `The account is blocked: ${admission.reason}`),
      )
      return false
    case 'degraded':
      setHeader(res, 'X-Usage-Degraded', '1')
      return true
    case 'unavailable':
      sendProblem(res, new UsageError('store_unavailable', 'Usage cannot be checked at the moment'))
      return false
    case 'admitted':
      setHeaders(res, admission.standings, now)
      markPassed(res, admission.standings)
      return true
    case 'refused':
      setHeaders(res, admission.standings, now)
      refuse(res, admission.violated, now)
      return false
  }
}

function refuse(res: Response, violated: readonly Standing[], now: number): void {
  const seconds = Math.max(0, ...violated.map((one) => secondsTo(one, now)))
  if (Number.isFinite(seconds)) {
    const jitter = Math.floor(Math.random() * (jitterSeconds + 1))
    setHeader(
      res,
      'Retry-After',
      String(Math.max(1, seconds) + (seconds > jitterSeconds ? jitter : 0)),
    )
  }
  const names = violated.map(({ limit }) => limit.name).join(', ')
  const details = {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    violated_policies: violated.map(violation),
  }
  sendProblem(
    res,
    new UsageError('quota_exceeded', `The plan allows no more: ${names}`, { details }),
  )
}

function violation({ limit, used, held, resetsAt }: Standing) {
  const isCost = limit.metric === 'cost'
  return {
    name: limit.name,
    metric: limit.metric,
    window: limit.window,
    limit: isCost ? limit.limit / 1e9 : limit.limit,
    used: isCost ? (used + held) / 1e9 : used + held,
    resets_at: Number.isFinite(resetsAt) ? new Date(resetsAt).toISOString() : null,
  }
}

/**
 * `RateLimit-Policy` and `RateLimit` for limits of requests, and the tightest limit of tokens.
 * https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
function setHeaders(res: Response, standings: readonly Standing[], now: number): void {
  const requests = standings.filter(({ limit }) => limit.metric === 'requests')
  if (requests.length > 0) {
    setHeader(res, 'RateLimit-Policy', requests.map(policyOf).join(', '))
    setHeader(res, 'RateLimit', requests.map((one) => stateOf(one, now)).join(', '))
  }
  const [tightest] = standings
    .filter(({ limit }) => limit.metric === 'tokens')
    .toSorted((a, b) => leftOf(a) - leftOf(b))
  if (tightest === undefined) return
  setHeader(res, 'x-ratelimit-limit-tokens', String(tightest.limit.limit))
  setHeader(res, 'x-ratelimit-remaining-tokens', String(leftOf(tightest)))
  const seconds = secondsTo(tightest, now)
  if (Number.isFinite(seconds)) setHeader(res, 'x-ratelimit-reset-tokens', `${seconds}s`)
}

/** Soft limits let through: the client learns which of them are used up. */
function markPassed(res: Response, standings: readonly Standing[]): void {
  const passed = passedOf(standings)
  if (passed.length === 0) return
  setHeader(res, 'X-Usage-Limit-Exceeded', passed.map(({ limit }) => limit.name).join(', '))
}

const windowSeconds = {
  minute: 60,
  hour: 3_600,
  day: 86_400,
  month: 2_592_000,
  lifetime: undefined,
}

function policyOf({ limit }: Standing): string {
  const seconds = windowSeconds[limit.window]
  return `"${limit.name}";q=${limit.limit}${seconds === undefined ? '' : `;w=${seconds}`}`
}

function stateOf(one: Standing, now: number): string {
  const seconds = secondsTo(one, now)
  return `"${one.limit.name}";r=${leftOf(one)}${Number.isFinite(seconds) ? `;t=${seconds}` : ''}`
}

function secondsTo({ resetsAt }: Standing, now: number): number {
  return Math.max(0, Math.ceil((resetsAt - now) / 1_000))
}
