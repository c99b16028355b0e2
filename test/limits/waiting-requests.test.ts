import assert from 'node:assert/strict'
import { UsageError, type PrioritizeOptions } from '../../src/index.js'
import { startProvider } from '../outbound/support.js'
import { mountChat, startStand, userOf } from './stand.js'

describe('a request that has waited', () => {
  it('still owns the provider calls of its handler', async () => {
    const provider = await startProvider((_req, res, body) => {
      const { n } = JSON.parse(body) as { n: number }
      const usage = { prompt_tokens: n, completion_tokens: 1, total_tokens: n + 1 }
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify({ object: 'chat.completion', model: 'm', choices: [], usage }))
    })
    const stand = await startStand('Express 5', {
      capture: { outbound: { hosts: [provider.url] } },
    })
    const app = await stand.open((express) => {
      express.use(stand.usage.track(), stand.usage.prioritize({ concurrency: 1 }))
      express.post('/ai/chat', async (req, res) => {
        const body = JSON.stringify({ n: Number(userOf(req).slice(1)) })
        const url = `${provider.url}/chat/completions`
        await (await fetch(url, { method: 'POST', body })).text()
        res.json({ reply: 'Hi' })
      })
    })
    const users = ['u10', 'u20', 'u30']
    const asked = await Promise.all(users.map((user) => app.ask(user)))
    await Promise.all(asked.map(({ answer }) => answer))
    for (const user of users) {
      const [event] = await stand.events(user)
      assert.equal(event?.input_tokens, Number(user.slice(1)), user)
    }
    await stand.close()
    await provider.close()
  })
})

describe('the priority of a caller who is found out asynchronously', () => {
  it('holds once it is known, and a caller who cannot be found out waits as one of nobody', async () => {
    const stand = await startStand('Express 5', {
      identify: async (req) => {
        const user_id = userOf(req)
        if (user_id === 'broken') throw new Error('no')
        return Promise.resolve({ user_id, tier: user_id === 'rich' ? 'pro' : 'free' })
      },
    })
    const app = await stand.open((express, state) => {
      express.use(stand.usage.prioritize({ concurrency: 1 }))
      mountChat(express, state)
    })
    for (const user of ['holder', 'poor', 'broken', 'rich']) await app.ask(user)
    for (const user of ['holder', 'rich', 'poor', 'broken']) await app.answer(user)
    assert.deepEqual(app.called, ['holder', 'rich', 'poor', 'broken'])
    await stand.close()
  })
})

describe('the options of prioritize', () => {
  it('are checked at once, naming option, rule and value', async () => {
    const stand = await startStand('Express 5')
    const cases: [unknown, RegExp][] = [
      [undefined, /^prioritize must be given an object of options; it is undefined$/],
      [{}, /^prioritize\.concurrency must be a whole number from 1 to 1000000; it is undefined$/],
      [{ concurrency: 0 }, /^prioritize\.concurrency must be .* it is 0$/],
      [{ concurrency: 1.5 }, /^prioritize\.concurrency must be .* it is 1\.5$/],
      [{ concurrency: 1, maxWaitMs: '1s' }, /^prioritize\.maxWaitMs must be .* it is '1s'$/],
      [{ concurrency: 1, maxQueue: -1 }, /^prioritize\.maxQueue must be .* it is -1$/],
      [{ concurrency: 1, queue: 3 }, /^prioritize\.queue is not an option; it is 3$/],
    ]
    for (const [options, message] of cases) {
      assert.throws(
        () => stand.usage.prioritize(options as PrioritizeOptions),
        (error) =>
          error instanceof UsageError &&
          error.code === 'invalid_option' &&
          message.test(error.message),
        String(message),
      )
    }
    await stand.close()
  })
})
