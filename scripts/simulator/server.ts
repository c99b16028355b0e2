import { sendFailure, sendJson, type Answer } from './answer.js'
import { OpenCall, type Invoice } from './billing.js'
import { requestedFault } from './faults.js'
import { Refusal, type Dialect } from './dialect.js'
import type { Format, Plan } from './format.js'
import { openaiDialect } from './formats/openai-dialect.js'
import type { Inference } from './inference.js'
import type { Handler, Question } from './listener.js'
import { rhythmOf, type Pace } from './pace.js'
import { randomId } from './random.js'
import { respond } from './respond.js'
import { routing, type Route } from './routing.js'

const BODY_LIMIT_BYTES = 20 * 1024 * 1024

export interface Desk {
  readonly formats: readonly Format[]
  readonly inference: Inference
  readonly invoice: Invoice
  readonly pace: Pace
  readonly random: () => number
}

/** The HTTP side: finds the endpoint, checks the key, reads the body, answers in the dialect. */
export function simulatorHandler(desk: Desk): Handler {
  const find = routing(desk.formats)
  return (request, response) => {
    const requestId = randomId('req_')
    const { method = '', url = '' } = request
    const [path = '', query] = url.split('?', 2)
    const route = find(method, path)
    const dialect = route?.format.dialect ?? openaiDialect
    for (const [name, value] of Object.entries(dialect.headers(requestId))) {
      response.setHeader(name, value)
    }
    const handled = route
      ? handle(desk, route, { request, response, requestId, query: new URLSearchParams(query) })
      : Promise.reject(new Refusal('not_found', `${method} ${path}`))
    handled.catch((error: unknown) => refuse(error, dialect, response, requestId))
  }
}

interface Arrival {
  readonly request: Question
  readonly response: Answer
  readonly requestId: string
  readonly query: URLSearchParams
}

async function handle(desk: Desk, { format, params }: Route, arrival: Arrival): Promise<void> {
  const { request, response, requestId, query } = arrival
  const { dialect } = format
  const left = new AbortController()
  response.once('close', () => {
    // HTTP/2 calls an answer finished that its client gave up; HTTP/1.1 calls it ended while it still flows.
    if (!response.writableEnded || !response.writableFinished) left.abort()
  })
  const bytes = await readBody(request)
  if (!dialect.apiKey(request.headers, query)) throw new Refusal('unauthorized', '')
  const body = format.method === 'GET' ? undefined : parseJson(bytes)
  const fault = requestedFault(request.headers, body)
  const plan: Plan = format.plan({ body, query, params }, desk.inference)
  if (plan.kind === 'free') {
    sendJson(response, 200, JSON.stringify(plan.json()))
    return
  }
  const facts = { path: format.path, provider: dialect.provider, fault }
  const call = new OpenCall(plan, facts, (settled) => desk.invoice.add(settled))
  const rhythm = rhythmOf(desk.pace, desk.random)
  await respond({ response, requestId, dialect, plan, fault, call, rhythm, signal: left.signal })
}

function refuse(error: unknown, dialect: Dialect, response: Answer, requestId: string) {
  if (response.destroyed || response.headersSent) {
    response.destroy()
    return
  }
  const { kind, message } =
    error instanceof Refusal ? error : new Refusal('server_error', 'The simulator has a bug.')
  sendFailure(response, dialect.failure(kind, message, requestId))
}

async function readBody(request: Question): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue
    size += chunk.length
    // The rest is still read, so that the client can finish sending and see the answer.
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk)
  }
  if (size > BODY_LIMIT_BYTES) throw new Refusal('too_large', 'The request body exceeds 20 MB.')
  return Buffer.concat(chunks)
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new Refusal('bad_request', 'We could not parse the JSON body of your request.')
  }
}
