import assert from 'node:assert/strict'
import express from 'express'
import type { ConnectOptions } from 'mongoose'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import type { UsageOptions } from '../../src/index.js'
import { complaints, type Operation, type ResponseSpec } from './spec.js'

const model = 'gpt-4o-mini-2024-07-18'
const usage = {
  prompt_tokens: 1000,
  completion_tokens: 450,
  total_tokens: 1450,
  prompt_tokens_details: { cached_tokens: 512 },
  completion_tokens_details: { reasoning_tokens: 128 },
}

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model,
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Lisbon.' }, finish_reason: 'stop' },
  ],
  usage,
}

const chunk = { id: 'chatcmpl-2', object: 'chat.completion.chunk', created: 1, model }
const chunks = [
  { ...chunk, choices: [{ index: 0, delta: { role: 'assistant', content: 'Lis' } }] },
  { ...chunk, choices: [{ index: 0, delta: { content: 'bon.' }, finish_reason: 'stop' }] },
  { ...chunk, choices: [], usage },
]

/** Headers of each kind of caller. */
export const as = {
  nobody: {},
  user: bearer('alice', { tier: 'pro', org: 'acme' }),
  service: bearer('cron', { role: 'service' }),
  admin: bearer('root', { role: 'admin' }),
}

/** A metered app whose log holds calls of every kind. */
export async function startWorld(
  options: Partial<UsageOptions> = {},
  connect: ConnectOptions = {},
): Promise<TestApp> {
  const app = await startApp(
    (host, meter) => {
      host.use(express.json())
      host.post('/ai/chat', (_req, res) => void res.json(completion))
      host.post('/ai/chat/stream', (_req, res) => {
        res.type('text/event-stream')
        for (const one of chunks) res.write(`data: ${JSON.stringify(one)}\n\n`)
        res.end('data: [DONE]\n\n')
      })
      host.post(
        '/ai/qa',
        (_req, res) => void res.status(502).json({ error: { type: 'overloaded' } }),
      )
      host.post('/ai/mindmap', (req, res) => {
        meter.annotate(req, {
          ...{ input_tokens: 7, output_tokens: 5, cost_usd: 0.25, model: 'house-model' },
          ...{ conversation_id: 'c-1', tools_used: ['search'], queue_wait_ms: 3 },
          metadata: { team: 'blue' },
        })
        res.json({ ok: true })
      })
      host.post('/ai/summarize', (_req, res) => {
        res.write('partial ')
        setTimeout(() => res.destroy(), 5)
      })
    },
    { metadata: ['team'], ...options },
    connect,
  )
  try {
    await callEverything(app)
    await app.send('POST', '/budgets', { scope: 'org', org_id: 'acme', limit_usd: 250 })
  } catch (error) {
    await app.close()
    throw error
  }
  return app
}

async function callEverything(app: TestApp): Promise<void> {
  const paths = ['chat', 'chat/stream', 'qa', 'mindmap', 'summarize']
  for (const headers of [as.user, bearer('bob'), as.nobody]) {
    for (const path of paths) {
      await fetch(`${app.url}/ai/${path}`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Where to in May?' }] }),
      })
        .then((response) => response.text())
        .catch((error: unknown) => assert.equal(path, 'summarize', String(error)))
    }
  }
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
  const job = { user_id: 'alice', operation_type: 'summarize', status_code: 200 }
  for (const days of [1, 9, 20]) {
    await app.usage.record({ ...job, timestamp: daysAgo(days), cost_usd: 0.01, input_tokens: days })
  }
  await app.usage.flush()
}

// A connection kept open may be closed by the server just when the next request sets out on it.
const once = { connection: 'close' }

/** Sends a request to the usage API. */
export function ask(
  app: TestApp,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: string,
): Promise<Response> {
  return fetch(`${app.url}/ai/usage${path}`, {
    method,
    headers: { ...headers, ...once },
    ...(body !== undefined && { body }),
  })
}

/** Sends what the document gives as an example of an operation. */
export function send(
  app: TestApp,
  operation: Operation,
  headers: Record<string, string>,
): Promise<Response> {
  const media = operation.requestBody?.content['application/json']
  const [example] = Object.values(media?.examples ?? {})
  const body = example && JSON.stringify(example.value)
  const all = { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) }
  return ask(app, operation.method, pathOf(operation), all, body)
}

/** The path of an operation, its parameters filled in. */
export function pathOf({ path, parameters }: Operation): string {
  return path.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(String(parameters.find((parameter) => parameter.name === name)?.example)),
  )
}

/** Holds an answer against what the document says of its status; answers the body. */
export async function fits(
  response: Response,
  operation: Operation,
  status: number,
): Promise<unknown> {
  const body = await response.text()
  const where = `${operation.method} ${response.url} ${status}`
  assert.equal(response.status, status, `${where}: ${response.status} ${body}`)
  const specified = operation.responses[status]
  assert.ok(specified, `${where} is not in the document`)
  return fitsContent(response, specified, body, where)
}

function fitsContent(response: Response, specified: ResponseSpec, body: string, where: string) {
  const type = (response.headers.get('content-type') ?? '').split(';')[0] ?? ''
  const media = specified.content[type]
  assert.ok(media, `${where} has the content type ${type}`)
  for (const [name, { schema }] of Object.entries(specified.headers ?? {})) {
    assert.deepEqual(complaints(schema, response.headers.get(name)), [], `${where} ${name}`)
  }
  if (type === 'application/x-ndjson')
    return linesOf(body).map((line) => fitsLine(media, line, where))
  const value: unknown = type.endsWith('json') ? JSON.parse(body) : body
  assert.deepEqual(complaints(media.schema, value), [], `${where}: ${body.slice(0, 2000)}`)
  return value
}

function linesOf(body: string): string[] {
  assert.ok(body.endsWith('\n'))
  return body.trimEnd().split('\n')
}

/** Of a body of many lines, the document describes each. */
function fitsLine({ schema }: { schema: Record<string, unknown> }, line: string, where: string) {
  const value: unknown = JSON.parse(line)
  assert.deepEqual(complaints(schema, value), [], `${where}: ${line}`)
  return value
}
