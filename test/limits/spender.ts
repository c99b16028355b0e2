import type { Request } from 'express'
import type { Identity, UsageOptions } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

/**
 * An app whose `/ai/chat` costs what the query says: `usd`, `tokens`; with `fails` it answers 502 and has
 * used nothing, with `waits` when `onWait` says so. Its clock may show anything: the app believes its tokens, whenever they were made.
 */
export async function startSpender(
  options: Partial<UsageOptions>,
  onWait: (answer: () => void) => void = (answer) => answer(),
): Promise<TestApp> {
  const mount: Parameters<typeof startApp>[0] = (host, usage) => {
    host.post('/ai/chat', (req, res) => {
      const { usd, tokens, fails } = req.query
      if (fails !== undefined) return void res.status(502).json({ error: 'no model' })
      usage.annotate(req, {
        model: 'own-model',
        input_tokens: 0,
        output_tokens: Number(tokens ?? 0),
        ...(usd !== undefined && { cost_usd: Number(usd) }),
      })
      const answer = () => void res.json({ ok: true })
      if (req.query.waits === undefined) answer()
      else onWait(answer)
    })
  }
  return startApp(mount, { identify: believe, ...options })
}

function believe(req: Request): Identity {
  const payload = /\.(.*)\./.exec(req.get('authorization') ?? '')?.[1] ?? ''
  const { sub, org, ...claims } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
    sub: string
    org?: string
  }
  return { user_id: sub, org_id: org, ...claims }
}

/** Has a user spend, and waits until it is counted. */
export async function spend(
  app: TestApp,
  user: string,
  query: Record<string, number>,
  claims: Parameters<typeof bearer>[1] = {},
): Promise<Response> {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) search.set(key, String(value))
  const init = { method: 'POST', headers: bearer(user, claims) }
  const response = await fetch(`${app.url}/ai/chat?${search.toString()}`, init)
  await response.text()
  await app.usage.flush()
  return response
}

/** What each limit of a user's plan says is used, in the order of the plan. */
export async function usedBy(app: TestApp, user: string): Promise<number[]> {
  const quota = await app.as<{ limits: { used: number }[] }>(user, '/me/quota')
  return quota.limits.map(({ used }) => used)
}
