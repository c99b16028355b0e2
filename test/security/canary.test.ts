import assert from 'node:assert/strict'
import express from 'express'
import { operations } from '../contract/spec.js'
import { as, ask, pathOf } from '../contract/world.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { keptLines } from './lines.js'

const canary = 'canary-7f3a9c says hello'
const completion = {
  ...{ object: 'chat.completion', model: 'gpt-4o', id: 'chatcmpl-1' },
  choices: [{ message: { role: 'assistant', content: canary }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
}
const failure = {
  error: { message: canary, type: canary, code: canary, param: canary, stack: `at ${canary}` },
}

/** What users say, what providers answer, and what breaks on the way. */
function mount(host: express.Express): void {
  host.use(express.json())
  host.post('/ai/chat', (_req, res) => void res.json(completion))
  host.post('/ai/chat/stream', (_req, res) => {
    res.type('text/event-stream')
    const delta = { ...completion, object: 'chat.completion.chunk', usage: undefined }
    res.write(
      `data: ${JSON.stringify({ ...delta, choices: [{ delta: { content: canary } }] })}\n\n`,
    )
    res.end(`event: error\ndata: ${JSON.stringify(failure)}\n\n`)
  })
  host.post('/ai/qa', (_req, res) => void res.status(500).json(failure))
  host.post('/ai/summarize', () => {
    throw new Error(canary)
  })
  const broken: express.ErrorRequestHandler = (error: Error, _req, res, _next) =>
    void res.status(500).set('X-Error', 'yes').send(error.stack)
  host.use(broken)
}

describe('what people say to an AI', () => {
  let app: TestApp
  const { lines, logger } = keptLines()
  before(async () => {
    app = await startApp(mount, {
      logger,
      metrics: { public: true },
      rollup: { cron: '* * * * * *' },
      identify: () => {
        throw new Error(canary)
      },
      idempotencyKey: () => {
        throw new Error(canary)
      },
    })
    for (const path of ['chat', 'chat/stream', 'qa', 'summarize']) {
      const response = await fetch(`${app.url}/ai/${path}?q=${encodeURIComponent(canary)}`, {
        method: 'POST',
        headers: {
          ...bearer('alice'),
          ...{ 'content-type': 'application/json', 'x-note': canary, cookie: `c=${canary}` },
          ...{ 'user-agent': canary, referer: `http://x/?${encodeURIComponent(canary)}` },
        },
        body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content: canary }] }),
      })
      assert.ok((await response.text()).includes(canary), path)
    }
    await app.usage.flush()
    await new Promise((resolve) => setTimeout(resolve, 2_500))
  })
  after(() => app.close())

  /** Everything that is kept or shown, by where: a directory of files would be one entry more. */
  const places = async (): Promise<Record<string, string>> => {
    const found: Record<string, string> = { log: lines.join('\n') }
    for (const { collectionName } of await app.database.connection
      .listCollections()
      .then((all) => all.map(({ name }) => ({ collectionName: name })))) {
      const docs = await app.database.connection.collection(collectionName).find().toArray()
      found[collectionName] = JSON.stringify(docs)
    }
    for (const operation of operations.filter(({ method }) => method === 'GET')) {
      if (operation.path.endsWith('stream')) continue
      for (const who of [as.admin, bearer('alice')]) {
        const response = await ask(app, 'GET', pathOf(operation), who)
        found[`${operation.path} ${who === as.admin ? 'admin' : 'user'}`] = await response.text()
      }
    }
    return found
  }

  it('is nowhere: in no collection, no line of the log, no metric and no answer', async () => {
    const all = await places()
    for (const name of ['usage_logs', 'usage_intervals', 'daily_stats', 'log', '/metrics admin']) {
      assert.ok((all[name] ?? '').length > 20, `${name} is empty`)
    }
    assert.equal((JSON.parse(all.usage_logs ?? '[]') as unknown[]).length, 4)
    for (const [place, text] of Object.entries(all)) {
      assert.doesNotMatch(text, /canary-7f3a9c/, place)
    }
  })
})
