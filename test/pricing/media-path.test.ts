import assert from 'node:assert/strict'
import type { RequestHandler } from 'express'
import type { UsageEvent } from '../../src/event.js'
import type { UsageOptions } from '../../src/index.js'
import { reprice } from '../../src/pricing/reprice.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { freshDatabase } from '../helpers/mongo.js'
import { span, World } from '../rollup/support.js'
import { book } from './support.js'

const spoken = {
  ...{ id: 'x', object: 'chat.completion', model: 'gpt-audio', choices: [] },
  usage: {
    ...{ prompt_tokens: 1000, completion_tokens: 1000, total_tokens: 2000 },
    prompt_tokens_details: { audio_tokens: 1000, cached_tokens: 0 },
    completion_tokens_details: { audio_tokens: 900 },
  },
}

const image = { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } }
const drawing = [
  { candidates: [{ content: { parts: [{ text: 'Here: ' }] } }] },
  { candidates: [{ content: { parts: [image] }, finishReason: 'STOP' }] },
].map((chunk, index) => ({
  ...chunk,
  modelVersion: 'gemini-2.5-flash-image',
  usageMetadata: {
    ...{ promptTokenCount: 10, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 10 }] },
    ...(index === 1 && {
      ...{ candidatesTokenCount: 1290, totalTokenCount: 1300 },
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1290 }],
    }),
  },
}))

describe('a tracked request with sound or images', function () {
  this.timeout(20_000)
  let app: TestApp
  afterEach(() => app.close())

  const eventOf = async (handler: RequestHandler, options: Partial<UsageOptions> = {}) => {
    app = await startApp((host) => host.post('/ai/chat', handler), options)
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('alice') })).text()
    return logged()
  }
  const logged = async () => {
    await app.usage.flush()
    const [event] = await app.database.connection.collection('usage_logs').find().toArray()
    return event as unknown as UsageEvent
  }

  it('costs what the provider takes for sound, and tells how much that was', async () => {
    const event = await eventOf((_req, res) => res.json(spoken))
    assert.equal(event.cost_nano_usd, 32_000_000 + 57_600_000 + 1_000_000)
    assert.deepEqual([event.input_audio_tokens, event.output_audio_tokens], [1000, 900])
    assert.ok(!('input_image_tokens' in event))
    const { data } = await app.admin<{ data: Partial<UsageEvent>[] }>('/logs')
    assert.equal(data[0]?.output_audio_tokens, 900)
  })

  it('costs what the provider takes for an image at the end of a stream', async () => {
    const event = await eventOf((_req, res) => {
      res.type('text/event-stream')
      for (const chunk of drawing) res.write(`data: ${JSON.stringify(chunk)}\n\n`)
      res.end()
    })
    assert.equal(event.output_image_tokens, 1290)
    assert.equal(event.cost_nano_usd, 10 * 300 + 1290 * 30_000)
  })

  it('costs the host’s own price, whatever the tokens are', async () => {
    const own = { model: 'gpt-audio', input_usd_per_million: 3, output_usd_per_million: 15 }
    const event = await eventOf((_req, res) => res.json(spoken), { pricing: { overrides: [own] } })
    assert.deepEqual([event.cost_nano_usd, event.cost_source], [18_000_000, 'override'])
  })

  it('costs the ordinary price, and flags it, where a part is larger than its whole', async () => {
    const usage = { ...spoken.usage, completion_tokens_details: { audio_tokens: 1001 } }
    const event = await eventOf((_req, res) => res.json({ ...spoken, usage }))
    assert.deepEqual(event.usage_flags, ['output_audio_tokens_invalid'])
    assert.ok(!('output_audio_tokens' in event))
    assert.equal(event.cost_nano_usd, 32_000_000 + 10_000_000)
  })

  it('costs the same when the host annotates or records the figures', async () => {
    const figures = { model: 'gpt-audio', input_tokens: 1000, output_tokens: 1000 }
    const sound = { input_audio_tokens: 1000, output_audio_tokens: 900 }
    app = await startApp((host, usage) => {
      host.post('/ai/chat', (req, res) => {
        usage.annotate(req, { ...figures, ...sound })
        res.json({ reply: 'Hi' })
      })
    })
    await fetch(`${app.url}/ai/chat`, { method: 'POST', headers: bearer('alice') })
    await app.usage.record({ user_id: 'alice', operation_type: 'chat', ...figures, ...sound })
    await app.usage.flush()
    const events = await app.database.connection.collection('usage_logs').find().toArray()
    assert.deepEqual(
      events.map((event): unknown[] => [event.cost_nano_usd, event.input_audio_tokens]),
      [
        [90_600_000, 1000],
        [90_600_000, 1000],
      ],
    )
  })
})

describe('repricing sound and images', function () {
  this.timeout(20_000)

  it('gives the same cost again, of an operation and of each model’s share', async () => {
    const database = await freshDatabase()
    try {
      await repricedTwice(new World(database.connection, '2026-06-05T12:00:00Z'))
    } finally {
      await database.drop()
    }
  })

  async function repricedTwice(world: World): Promise<void> {
    await world.store.prepare()
    const timestamp = new Date('2026-06-01T10:00:00Z')
    const sound = {
      ...{ provider: 'google', model: 'gemini-2.5-flash' },
      ...{ input_tokens: 1000, output_tokens: 0, input_audio_tokens: 800 },
      ...{ cache_read_tokens: 500, cache_read_audio_tokens: 400 },
    }
    const picture = {
      ...{ provider: 'google', model: 'gemini-2.5-flash-image' },
      ...{ input_tokens: 0, output_tokens: 1290, output_image_tokens: 1290 },
    }
    const share = { ...{ attempts: 1, cache_read_tokens: 0, cache_write_tokens: 0 } }
    const models = [sound, picture].map((one) => ({
      ...{ ...share, reasoning_tokens: 0, cost_nano_usd: null },
      ...one,
    }))
    const both = { input_tokens: 1000, output_tokens: 1290, attempts: 2, models }
    await world.append([
      { timestamp, ...sound },
      { timestamp, ...both },
    ])
    const prices = await book()
    const store = { ...world.store, db: world.door().db }
    const june = span('2026-06-01', '2026-06-02')
    const run = () =>
      reprice(store, { span: june, price: (...of) => prices.price(...of), dryRun: false })
    const first = await run()
    assert.deepEqual([first.changed, first.new_sum_nano_usd], [2, 473_000 + 473_000 + 38_700_000])
    const again = await run()
    assert.deepEqual([again.changed, again.old_sum_nano_usd], [0, first.new_sum_nano_usd])
  }
})
