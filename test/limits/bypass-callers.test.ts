import assert from 'node:assert/strict'
import jwt from 'jsonwebtoken'
import type { Facts } from '../../src/capture/annotations.js'
import { mintToken } from '../../scripts/mint-token.js'
import { bearer } from '../helpers/app.js'
import { frameworks, type Framework } from '../tap/stand.js'
import { exchange } from '../tap/wire.js'
import { isDegraded, nextUser, options, statusesOf } from './bypass-host.js'
import { startStand, type App, type Stand } from './stand.js'

const limited = [200, 200, 429, 429]
const now = Date.now()
const forged = (user: string) =>
  mintToken({ secret: 'x'.repeat(40), user, tier: 'rich', ttlSeconds: 3_600, now })
const unsigned = (user: string) =>
  jwt.sign({ sub: user, tier: 'rich', exp: Math.floor(now / 1_000) + 3_600 }, '', {
    algorithm: 'none',
  })

for (const framework of Object.keys(frameworks) as Framework[])
  describe(`a limit of two requests a day and who asks, ${framework}`, () => {
    let stand: Stand
    let app: App
    let degraded = 0
    const open = async (more: Parameters<typeof startStand>[1] = {}) => {
      degraded = 0
      stand = await startStand(framework, { ...options, ...more })
      app = await stand.open((host) => {
        host.use(stand.usage.track())
        host.post('/ai/chat', (_req, res) => res.json({ ok: true }))
      })
    }

    /** On a stand of its own; again on another one where a request was let through unasked. */
    const itHolds = (
      what: string,
      check: () => Promise<void>,
      more?: Parameters<typeof startStand>[1],
    ) => {
      it(what, async () => {
        for (let tries = 1; ; tries++) {
          await open(more)
          try {
            await check()
            return
          } catch (error) {
            if (degraded === 0 || tries === 5) throw error
          } finally {
            await stand.close()
          }
        }
      })
    }

    const ask = async (headers: readonly string[]) => {
      const lines = ['POST /ai/chat HTTP/1.1', 'host: a', 'content-length: 0', 'connection: close']
      const answer = await exchange(app, [...lines, ...headers, '', ''].join('\r\n'))
      if (isDegraded(answer)) degraded += 1
      return statusesOf(answer)
    }
    const askAll = async (all: readonly (readonly string[])[]) => {
      const statuses: number[] = []
      for (const headers of all) statuses.push(...(await ask(headers)))
      return statuses
    }
    const authorized = (user: string) => `authorization: ${bearer(user).authorization}`

    itHolds('is one for all spellings of the header and the scheme', async () => {
      const { authorization } = bearer(nextUser())
      const token = authorization.slice('Bearer '.length)
      const headers = [
        `Authorization: Bearer ${token}`,
        `AUTHORIZATION: bearer ${token}`,
        `authorization:   BEARER ${token}  `,
        `authorization:\tBearer ${token}`,
      ]
      assert.deepEqual(await askAll(headers.map((one) => [one])), limited)
    })

    itHolds('is for exactly the user that the token names, who is never another', async () => {
      const names = [
        'ann',
        'ann ',
        ' ann',
        'Ann',
        'a\u00e9',
        'ae\u0301',
        'a e',
        'user:ann',
        '\u212b',
      ]
      for (const name of names) {
        const same = Array.from({ length: 4 }, () => [authorized(name)])
        assert.deepEqual(await askAll(same), limited, name)
        assert.equal((await stand.events(name)).length, 4, name)
      }
    })

    itHolds(
      'is that of anonymous for tokens that are not good, whatever tier they claim',
      async () => {
        const user = nextUser()
        const bad = [
          forged(user),
          unsigned(user),
          'a.b.c',
          bearer('a\u0000b').authorization.slice(7),
        ]
        const headers = bad.map((one) => [`authorization: Bearer ${one}`])
        assert.deepEqual(await askAll(headers), limited)
        assert.equal((await stand.events(user)).length, 0)
        assert.equal((await stand.events('anonymous')).length, 4)
      },
    )

    itHolds(
      'is that of the default plan where claims of a tier are not trusted',
      async () => {
        const { authorization } = bearer(nextUser(), { tier: 'rich' })
        const same = Array.from({ length: 4 }, () => [`authorization: ${authorization}`])
        assert.deepEqual(await askAll(same), limited)
      },
      { trustTierClaim: false },
    )

    itHolds('is not left with a second Authorization header: that names nobody', async () => {
      const [user, other] = [nextUser(), nextUser()]
      const both = [
        [authorized(user), authorized(other)],
        [authorized(other), authorized(user)],
        [authorized(user), 'authorization: Basic eDp5'],
        ['authorization:', authorized(user)],
      ]
      assert.deepEqual(await askAll(both), limited)
      assert.equal((await stand.events('anonymous')).length, 4)
      await stand.close()
      await open({ anonymous: 'refuse' })
      assert.deepEqual(await askAll(both), [401, 401, 401, 401])
    })
  })

describe('usage that cannot be', () => {
  const absurd = [-1_000_000, Number.NaN, -Infinity, Infinity, 1e18, 1.5, '-5', null]
  const limit = 4_000
  const month = { name: 'm', metric: 'tokens', window: 'month', limit } as const
  const cases: Record<string, (value: unknown) => object> = {
    reported: (value) => ({
      object: 'chat.completion',
      model: 'gpt-4o',
      choices: [
        { message: { role: 'assistant', content: 'Lisbon is lovely in May. '.repeat(40) } },
      ],
      usage: { prompt_tokens: value, completion_tokens: value, total_tokens: value },
    }),
    'in dollars': (value) => ({
      object: 'chat.completion',
      model: 'gpt-4o',
      choices: [],
      usage: { prompt_tokens: 300, completion_tokens: 100, total_tokens: 400, cost: value },
    }),
    annotated: () => ({ reply: 'Lisbon is lovely in May. '.repeat(40) }),
  }

  for (const [name, bodyOf] of Object.entries(cases))
    it(`never gives anything back, and counts as what is known instead: ${name}`, async () => {
      const stand = await startStand('Express 5', { plans: { free: { limits: [month] } } })
      let served = 0
      const app = await stand.open((host) => {
        host.use(stand.usage.track())
        host.post('/ai/chat', (req, res) => {
          const value = absurd[served++ % absurd.length]
          if (name === 'annotated')
            stand.usage.annotate(req, { input_tokens: value, output_tokens: value } as Facts)
          res.json(bodyOf(value))
        })
      })
      let used = 0
      let status = 200
      for (let asked = 0; status === 200; asked++) {
        assert.ok(asked < 100, `never refused, ${used} used`)
        const answer = await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('a') })
        ;({ status } = answer)
        await answer.arrayBuffer()
        const events = await stand.events('a')
        const sum = events.reduce((all, one) => all + one.tokens_used, 0)
        assert.ok(status === 429 || sum > used, `${sum} after ${used}`)
        used = sum
        for (const { cost_nano_usd: cost } of events) assert.ok(cost === null || cost >= 0)
      }
      assert.equal(status, 429)
      assert.ok(used >= limit && used < 2 * limit, `${used} used`)
      await stand.close()
    })
})
