import express, { Router, type Request, type RequestHandler, type Response } from 'express'
import { anthropicProvider } from './anthropic-provider.js'
import {
  parseChat,
  parseMindmap,
  parseQuestion,
  parseSummarize,
  type Conversation,
} from './input.js'
import { parseOutline } from './mindmap.js'
import { openaiProvider } from './openai-provider.js'
import { Problem, sendProblem } from './problem.js'
import { mindmapPrompt, questionPrompt, summarizePrompt } from './prompts.js'
import type { CallOptions, Provider, Upstream } from './provider.js'
import { sendEvents, signalOfLeaving } from './stream.js'
import { describe, fileOf, readUpload, textOfFile } from './upload.js'

export type { Upstream } from './provider.js'

export interface DemoOptions {
  readonly upstream: Upstream
}

type Reading = (request: Request) => Conversation

const JSON_LIMIT = '1mb'

/**
 * A small AI app to meter, to be mounted at `/`: nine POST routes under `/ai`. Answers are
 * `{ reply, model, usage }`, streams are the provider's own Server-Sent Events, errors are
 * `application/problem+json`. It reads bodies itself and knows nothing of metering.
 */
export function createDemoApp({ upstream }: DemoOptions): Router {
  const provider =
    upstream.kind === 'anthropic' ? anthropicProvider(upstream) : openaiProvider(upstream)
  const { answer, draw, stream } = handlers(provider, upstream.forwardHeaders ?? [])
  const json = express.json({ limit: JSON_LIMIT })
  const file = readUpload()
  const routes: Readonly<Record<string, readonly RequestHandler[]>> = {
    '/ai/chat': [json, answer(readChat)],
    '/ai/chat/stream': [json, stream(readChat)],
    '/ai/summarize': [json, answer(readSummarize)],
    '/ai/summarize/stream': [json, stream(readSummarize)],
    '/ai/qa': [json, answer(readQuestion)],
    '/ai/qa/stream': [json, stream(readQuestion)],
    '/ai/qa/file': [file, answer(readFileQuestion)],
    '/ai/mindmap': [json, draw],
    '/ai/upload': [file, describeUpload],
  }
  const router = Router()
  for (const [path, steps] of Object.entries(routes)) {
    router
      .route(path)
      .post(...steps)
      .all(refuseMethod)
  }
  router.use(sendProblem)
  return router
}

const readChat: Reading = ({ body }) => parseChat(body)
const readSummarize: Reading = ({ body }) => summarizePrompt(parseSummarize(body))
const readQuestion: Reading = ({ body }) => questionPrompt(parseQuestion(body))

const readFileQuestion: Reading = (request) => {
  const { question } = parseQuestion(request.body)
  return questionPrompt({ question, context: textOfFile(fileOf(request)) })
}

function handlers(provider: Provider, forwarded: readonly string[]) {
  const optionsOf = (request: Request, response: Response): CallOptions => {
    const headers = forwarded.flatMap((name) => {
      const value = request.get(name)
      return value === undefined ? [] : [[name, value] as const]
    })
    return { signal: signalOfLeaving(response), headers: Object.fromEntries(headers) }
  }
  const answer = (read: Reading): RequestHandler =>
    async function answerOnce(request, response) {
      const conversation = read(request)
      response.json(await provider.complete(conversation, optionsOf(request, response)))
    }
  const stream = (read: Reading): RequestHandler =>
    async function answerInEvents(request, response) {
      const conversation = read(request)
      const options = optionsOf(request, response)
      await sendEvents(response, await provider.stream(conversation, options), options.signal)
    }
  const draw: RequestHandler = async function drawMindmap(request, response) {
    const { topic } = parseMindmap(request.body)
    const conversation = mindmapPrompt({ topic })
    const options = optionsOf(request, response)
    const { reply, model, usage } = await provider.complete(conversation, options)
    response.json({ reply, mindmap: parseOutline(reply, topic), model, usage })
  }
  return { answer, draw, stream }
}

const describeUpload: RequestHandler = (request, response) => {
  response.json(describe(fileOf(request)))
}

const refuseMethod: RequestHandler = ({ method }) => {
  const detail = `${method} is not allowed here, only POST.`
  throw new Problem(405, 'method_not_allowed', detail, { headers: { allow: 'POST' } })
}
