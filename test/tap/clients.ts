import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import Anthropic from '@anthropic-ai/sdk'
import express, { type Request, type Response } from 'express'
import OpenAI from 'openai'
import { createDemoApp } from '../../scripts/demo/index.js'
import type { Simulator } from '../../scripts/simulator/index.js'
import { closed, type Host, type Side } from './stand.js'

const paths = ['/v1/chat/completions', '/v1/messages', '/v1/responses']
const forwarded = [
  'content-type',
  'authorization',
  'x-api-key',
  'anthropic-version',
  'x-simulator-fault',
]

/** The simplest proxy: forwards to the provider and pipes its answer back. */
function forwardTo(simulator: Simulator) {
  return async (req: Request, res: Response): Promise<void> => {
    const left = new AbortController()
    void closed(req, res).then(() => left.abort())
    const headers = forwarded.flatMap((name) => {
      const value = req.get(name)
      return value === undefined ? [] : [[name, value] as [string, string]]
    })
    const body = req.body as Uint8Array<ArrayBuffer>
    const upstream = await fetch(`${simulator.url}${req.path}`, {
      method: 'POST',
      headers,
      body,
      signal: left.signal,
    })
    res.status(upstream.status).type(upstream.headers.get('content-type') ?? '')
    const source = Readable.fromWeb(upstream.body as ReadableStream)
    await pipeline(source, res).catch(() => undefined)
  }
}

export function mountOn(simulator: Simulator) {
  return ({ app, meter }: Host): void => {
    meter()
    app.post(paths, express.raw({ type: () => true }), forwardTo(simulator))
    const model = 'gpt-4o-mini'
    app.use(
      createDemoApp({
        upstream: { kind: 'openai', apiKey: 'any', baseUrl: simulator.baseUrls.openai, model },
      }),
    )
  }
}

export const options = {
  operations: paths.map((path) => ({ path, type: 'proxy' })),
  identify: (req: Request) => ({ user_id: req.get('x-user') ?? 'nobody' }),
}

export const prompt = 'What is there to see in Lisbon in May?'
const messages = [{ role: 'user' as const, content: prompt }]

export function clientsOf({ url }: Side, user: string) {
  const shared = {
    apiKey: 'any',
    maxRetries: 0,
    logLevel: 'off',
    defaultHeaders: { 'x-user': user },
  } as const
  return {
    openai: new OpenAI({ ...shared, baseURL: `${url}/v1` }),
    anthropic: new Anthropic({ ...shared, authToken: null, baseURL: url }),
  }
}

type Clients = ReturnType<typeof clientsOf>

export async function collect(
  stream: AsyncIterable<unknown>,
  atMost = Infinity,
): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const item of stream) if (all.push(item) >= atMost) break
  return all
}

export const chat = { model: 'gpt-4o', messages }
const streamedChat = { ...chat, stream: true, stream_options: { include_usage: true } } as const
export const claude = { model: 'claude-haiku-4-5', messages, max_tokens: 300 }
const response = { model: 'gpt-5-mini', input: prompt }

export const calls: Record<string, (clients: Clients) => Promise<unknown>> = {
  'OpenAI chat': ({ openai }) => openai.chat.completions.create(chat),
  'OpenAI chat, streamed': async ({ openai }) =>
    collect(await openai.chat.completions.create(streamedChat)),
  'OpenAI responses': ({ openai }) => openai.responses.create(response),
  'OpenAI responses, streamed': async ({ openai }) =>
    collect(await openai.responses.create({ ...response, stream: true })),
  'Anthropic messages': ({ anthropic }) => anthropic.messages.create(claude),
  'Anthropic messages, streamed': async ({ anthropic }) =>
    collect(await anthropic.messages.create({ ...claude, stream: true })),
  "Anthropic's own gatherer": ({ anthropic }) => anthropic.messages.stream(claude).finalMessage(),
}

/** Streams that are left after a few pieces. */
export const leavings: Record<string, (clients: Clients) => Promise<unknown[]>> = {
  'OpenAI chat': async ({ openai }) =>
    collect(await openai.chat.completions.create(streamedChat), 5),
  'OpenAI responses': async ({ openai }) =>
    collect(await openai.responses.create({ ...response, model: 'gpt-4o', stream: true }), 9),
  'Anthropic messages': async ({ anthropic }) =>
    collect(await anthropic.messages.create({ ...claude, stream: true }), 8),
}
