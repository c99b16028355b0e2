import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import express, { type Express } from 'express'
import { rollUp } from '../../src/rollup/roller.js'
import { createStore } from '../../src/store/store.js'
import { systemClock } from '../../src/clock.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'

/** The whole proof is `npm run proof:sums` (20,000); a short form runs with every test. */
const requests = Number(process.env.SUMS_REQUESTS ?? 1_500)
const users = Array.from({ length: 50 }, (_, i) => `user-${i}`)
const kinds = ['json', 'stream', 'counted', 'failing', 'aborted'] as const

interface Usage {
  total_operations: number
  failed_operations: number
  total_tokens: number
  input_tokens: number
  output_tokens: number
}

describe(`sums after ${requests} mixed requests by ${users.length} users`, function () {
  this.timeout(300_000)
  let app: TestApp
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })

  before(async () => {
    const mount = (host: Express) => {
      host.use(express.json())
      host.post('/ai/chat', (_req, res) => {
        res.type('json').send(payload('openai-chat/completion.json'))
      })
      host.post('/ai/chat/stream', (req, res) => {
        res.type('text/event-stream')
        const bytes = payload('anthropic/stream.sse')
        res.write(bytes.subarray(0, 900))
        if ((req.body as { cut?: boolean }).cut) return
        res.end(bytes.subarray(900))
      })
      host.post('/ai/qa', (_req, res) => {
        res.json({ reply: 'Lisbon is lovely in May.' })
      })
      host.post('/ai/summarize', (_req, res) => {
        res.status(429).json({ error: { type: 'rate_limit', message: 'no' } })
      })
    }
    app = await startApp(mount, { plans: { free: { limits: [] } } })
    for (let at = 0; at < requests; at += 200) {
      await Promise.all(Array.from({ length: Math.min(200, requests - at) }, (_, i) => one(at + i)))
      if (at % 1000 === 0) await rollUp(createStore(app.database.connection, systemClock))
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    await app.usage.flush()
  })
  after(async () => {
    agent.destroy()
    await app.close()
  })

  /** One request; a tenth is aborted by the client, a twentieth fails. */
  function one(n: number): Promise<void> {
    const kind = n % 10 === 0 ? 'aborted' : n % 20 === 1 ? 'failing' : kinds[n % 3]
    const paths = {
      json: 'chat',
      stream: 'chat/stream',
      counted: 'qa',
      failing: 'summarize',
      aborted: 'chat/stream',
    }
    const user = users[(n * 7) % users.length] ?? ''
    const body = JSON.stringify({ message: `Where to in May, ${n}?`, cut: kind === 'aborted' })
    return new Promise((resolve, reject) => {
      const sent = request(
        `${app.url}/ai/${paths[kind ?? 'json']}`,
        { method: 'POST', agent, headers: { ...bearer(user), 'content-type': 'application/json' } },
        (response) => {
          response.on('data', () => {
            if (kind === 'aborted') sent.destroy()
          })
          response.on('close', resolve)
        },
      )
      sent.on('error', (error: NodeJS.ErrnoException) => {
        if (kind === 'aborted' || error.code === 'ECONNRESET') resolve()
        else reject(error)
      })
      sent.end(body)
    })
  }

  const logged = async (match: object) => {
    const [sum] = await app.database.connection
      .collection('usage_logs')
      .aggregate([
        { $match: match },
        {
          $group: {
            _id: null,
            total_operations: { $sum: 1 },
            failed_operations: { $sum: { $cond: ['$success', 0, 1] } },
            total_tokens: { $sum: '$tokens_used' },
            input_tokens: { $sum: '$input_tokens' },
            output_tokens: { $sum: '$output_tokens' },
          },
        },
        { $unset: '_id' },
      ])
      .toArray()
    return sum as Usage
  }
  const sums = ({
    total_operations,
    failed_operations,
    total_tokens,
    input_tokens,
    output_tokens,
  }: Usage) => ({
    total_operations,
    failed_operations,
    total_tokens,
    input_tokens,
    output_tokens,
  })

  it('records every request once', async () => {
    const log = await logged({})
    assert.equal(log.total_operations, requests)
    const statuses = await app.database.connection.collection('usage_logs').distinct('status')
    assert.deepEqual(statuses.sort(), ['aborted', 'error', 'ok'])
  })

  it('agrees to the token in the log, /me of each, /global and /realtime', async () => {
    const log = await logged({})
    assert.deepEqual(sums(await app.admin<Usage>('/global')), log)
    for (const user of users) {
      assert.deepEqual(
        sums(await app.as<Usage>(user, '/me')),
        await logged({ user_id: user }),
        user,
      )
    }
    const { last_hour } = await app.admin<{ last_hour: Usage }>('/realtime')
    assert.equal(last_hour.total_operations, log.total_operations)
    assert.equal(last_hour.total_tokens, log.total_tokens)
  })

  it('agrees to the token in daily_stats once rolled up', async () => {
    const log = await logged({})
    await rollUp(createStore(app.database.connection, systemClock))
    for (const scope of ['user', 'global']) {
      const [day] = await app.database.connection
        .collection('daily_stats')
        .aggregate([
          { $match: { scope } },
          {
            $group: {
              _id: null,
              total_operations: { $sum: '$total_operations' },
              failed_operations: { $sum: '$failed_operations' },
              total_tokens: { $sum: '$total_tokens' },
              input_tokens: { $sum: '$input_tokens' },
              output_tokens: { $sum: '$output_tokens' },
            },
          },
          { $unset: '_id' },
        ])
        .toArray()
      assert.deepEqual(day, log, scope)
    }
    assert.deepEqual(sums(await app.admin<Usage>('/global')), log)
  })
})
