import { once } from 'node:events'
import { createServer } from 'node:http'
import express from 'express'
import { createDemoApp, type Upstream } from '../../scripts/demo/index.js'
import {
  startSimulator,
  type Simulator,
  type SimulatorOptions,
} from '../../scripts/simulator/index.js'

export type Kind = Upstream['kind']

export const KINDS: readonly Kind[] = ['openai', 'anthropic', 'openrouter']

const MODELS: Record<Kind, string> = {
  openai: 'gpt-4o-mini',
  anthropic: 'claude-haiku-4-5',
  openrouter: 'openai/gpt-4o-mini',
}

export interface RunningDemo {
  readonly url: string
  readonly simulator: Simulator
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  close(): Promise<void>
}

export interface DemoSetup extends SimulatorOptions {
  readonly kind?: Kind
  /** Instead of what fits the simulator. */
  readonly upstream?: Partial<Upstream>
}

/** The demo app on Express 5 over HTTP, in front of a simulator whose faults it passes on. */
export async function startDemo(setup: DemoSetup = {}): Promise<RunningDemo> {
  const { kind = 'openai', upstream, ...simulatorOptions } = setup
  const simulator = await startSimulator(simulatorOptions)
  const app = express()
  app.use(
    createDemoApp({
      upstream: {
        kind,
        apiKey: 'any',
        baseUrl: simulator.baseUrls[kind],
        model: MODELS[kind],
        forwardHeaders: ['x-simulator-fault'],
        ...upstream,
      },
    }),
  )
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    simulator,
    post: (path, body, headers = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers:
          body instanceof FormData ? headers : { 'content-type': 'application/json', ...headers },
        body: body instanceof FormData || typeof body === 'string' ? body : JSON.stringify(body),
      }),
    close: async () => {
      server.close()
      server.closeAllConnections()
      await simulator.close()
    },
  }
}

/** A form with one file and fields. */
export function form(
  file: { name: string; content: string | Uint8Array<ArrayBuffer>; type?: string } | undefined,
  fields: Record<string, string> = {},
): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) data.set(name, value)
  if (file)
    data.set('file', new Blob([file.content], { type: file.type ?? 'text/plain' }), file.name)
  return data
}

export interface SseEvent {
  readonly event: string | undefined
  readonly data: string
}

export function parseSse(wire: string): SseEvent[] {
  return wire
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => ({
      event: /^event: (.*)$/m.exec(block)?.[1],
      data: /^data: (.*)$/m.exec(block)?.[1] ?? '',
    }))
}
