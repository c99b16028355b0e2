import { once } from 'node:events'
import { Invoice, type BilledCall } from './billing.js'
import { formats } from './formats/index.js'
import { Inference } from './inference.js'
import { PromptCache } from './prompt-cache.js'
import { seededRandom } from './random.js'
import { createListener } from './listener.js'
import { simulatorHandler } from './server.js'
import { warmUp } from './tokens.js'
import type { Pace } from './pace.js'
import type { ProviderName } from './dialect.js'

export type { BilledCall } from './billing.js'
export type { Fault } from './faults.js'

export interface SimulatorOptions {
  /** TCP port on 127.0.0.1; default 0, any free one. */
  readonly port?: number
  /** Default `instant`: no waits, but still separate chunks. */
  readonly pace?: Pace
  /** Same seed, same replies; default 1. Ids are always new. */
  readonly seed?: number
  /** HTTP/2 without TLS (prior knowledge) instead of HTTP/1.1; default false. */
  readonly http2?: boolean
  /** Calls kept for `billed()`, the oldest dropped first; default 100,000. */
  readonly billedCapacity?: number
}

export interface Simulator {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** What the official SDKs take as base URL. */
  readonly baseUrls: Readonly<Record<ProviderName, string>>
  /** The truth about every finished call, oldest first. Refused requests (400, 401, 404) are not calls. */
  billed(): readonly BilledCall[]
  /** Calls that no longer fit into `billed()`. */
  droppedCalls(): number
  /** Forgets all calls and cached prompts. */
  reset(): void
  /** Ends open connections, hanging ones too. */
  close(): Promise<void>
}

/** Starts a server on 127.0.0.1 that speaks the wire formats of every provider in {@link ProviderName}. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { port = 0, pace = 'instant', seed = 1, billedCapacity = 100_000, http2 = false } = options
  warmUp()
  const invoice = new Invoice(billedCapacity)
  const cache = new PromptCache()
  const handler = simulatorHandler({
    formats: formats(invoice),
    inference: new Inference(seed, cache),
    invoice,
    pace,
    random: seededRandom(seed),
  })
  const { server, closeAllConnections } = createListener(handler, http2)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const boundPort = address !== null && typeof address === 'object' ? address.port : port
  const url = `http://127.0.0.1:${boundPort}`
  return {
    url,
    baseUrls: baseUrls(url),
    billed: () => invoice.calls(),
    droppedCalls: () => invoice.dropped(),
    reset: () => {
      invoice.clear()
      cache.clear()
    },
    close: async () => {
      if (!server.listening) return
      server.close()
      closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Paths are the providers' own; Mistral and xAI stand under a prefix, for theirs are OpenAI's. */
function baseUrls(url: string): Record<ProviderName, string> {
  return {
    openai: `${url}/v1`,
    anthropic: url,
    openrouter: `${url}/api/v1`,
    google: url,
    mistral: `${url}/mistral`,
    cohere: url,
    ollama: url,
    groq: url,
    deepseek: url,
    xai: `${url}/xai/v1`,
    bedrock: url,
  }
}
