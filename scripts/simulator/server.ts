import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { OpenCall, type Invoice } from './billing.js'
import { requestedFault } from './faults.js'
import { Refusal, type Dialect } from './dialect.js'
import type { Format, Plan } from './format.js'
import { openaiDialect } from './formats/openai-dialect.js'
import type { Inference } from './inference.js'
import { rhythmOf, type Pace } from './pace.js'
import { randomId } from './random.js'
import { respond, sendJson } from './respond.js'

const BODY_LIMIT_BYTES = 20 * 1024 * 1024

export interface Desk {
  readonly formats: readonly Format[]
  readonly inference: Inference
  readonly invoice: Invoice
  readonly pace: Pace
  readonly random: () => number
}

/** The HTTP side: finds the endpoint, checks the key, reads the body, answers in the dialect. */
export function createSimulatorServer(desk: Desk): Server {
  return createServer((request, response) => {
    const requestId = randomId('req_')
    const [path = '', query] = (request.url ?? '').split('?', 2)
    const format = desk.formats.find((each) => each.method === request.method && each.path === path)
    const dialect = format?.dialect ?? openaiDialect
    for (const [name, value] of Object.entries(dialect.headers(requestId))) {
      response.setHeader(name, value)
    }
    const handled = format
      ? handle(desk, format, { request, response, requestId, query: new URLSearchParams(query) })
      : Promise.reject(new Refusal('not_found', `${request.method ?? ''} ${path}`))
    handled.catch((error: unknown) => refuse(error, dialect, response, requestId))
  })
}

interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly query: URLSearchParams
}

async function handle(desk: Desk, format: Format, arrival: Arrival): Promise<void> {
  const { request, response, requestId, query } = arrival
  const { dialect } = format
  const left = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) left.abort()
  })
  const bytes = await readBody(request)
  if (!dialect.apiKey(request.headers)) throw new Refusal('unauthorized', '')
  const body = format.method === 'GET' ? undefined : parseJson(bytes)
  const fault = requestedFault(request.headers, body)
  const plan: Plan = format.plan({ body, query }, desk.inference)
  if (plan.kind === 'free') {
    sendJson(response, 200, JSON.stringify(plan.json()))
    return
  }
  const facts = { path: format.path, provider: dialect.provider, fault }
  const call = new OpenCall(plan, facts, (settled) => desk.invoice.add(settled))
  const rhythm = rhythmOf(desk.pace, desk.random)
  await respond({ response, requestId, dialect, plan, fault, call, rhythm, signal: left.signal })
}

function refuse(error: unknown, dialect: Dialect, response: ServerResponse, requestId: string) {
  if (response.destroyed || response.headersSent) {
    response.destroy()
    return
  }
  const { kind, message } =
    error instanceof Refusal ? error : new Refusal('server_error', 'The simulator has a bug.')
  const { status, body } = dialect.failure(kind, message, requestId)
  sendJson(response, status, JSON.stringify(body))
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
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
