import { AsyncLocalStorage } from 'node:async_hooks'
import { createWriteStream } from 'node:fs'
import type { RequestHandler } from 'express'
import type { LimitOptions } from '../src/index.js'

/** What an app carries besides its own routes. */
export interface Mounted {
  handlers: RequestHandler[]
  /** Resolves when all work for the requests so far is done. */
  drain(): Promise<void>
  close(): Promise<void>
}

export interface VariantInput {
  mongoUri: string
  secret: string
}

const idle = { drain: () => Promise.resolve(), close: () => Promise.resolve() }

async function metered(
  { mongoUri, secret }: VariantInput,
  limits: readonly LimitOptions[],
): Promise<Mounted> {
  const { createUsage } = await import('../src/index.js')
  const usage = createUsage({
    mongoUri,
    auth: { secret, algorithms: ['HS256'] },
    plans: { pro: { limits } },
  })
  await usage.ready()
  return {
    handlers: [usage.track()],
    drain: () => usage.flush(),
    close: async () => {
      await usage.close()
    },
  }
}

/** Each loads only what it needs, so that memory is its own. */
const variants: Record<string, (input: VariantInput) => Promise<Mounted>> = {
  bare: () => Promise.resolve({ handlers: [], ...idle }),

  /** The bare app against itself: what the method makes of no difference at all. */
  same: () => Promise.resolve({ handlers: [], ...idle }),

  /** What it costs on this Node to know in whose request something happens, and nothing else. */
  context: () => {
    const storage = new AsyncLocalStorage<unknown>()
    const run: RequestHandler = (req, _res, next) => storage.run(req, next)
    return Promise.resolve({ handlers: [run], ...idle })
  },

  mongoose: async ({ mongoUri }) => {
    const { default: mongoose } = await import('mongoose')
    const connection = await mongoose.createConnection(mongoUri).asPromise()
    return { handlers: [], ...idle, close: () => connection.close() }
  },

  usage: (input) => metered(input, []),

  /** The same, asking MongoDB for each request whether its plan has room. */
  limited: (input) =>
    metered(input, [{ name: 'monthly', metric: 'tokens', window: 'month', limit: 1e12 }]),

  'prom-bundle': async () => {
    const { default: promBundle } = await import('express-prom-bundle')
    return { handlers: [promBundle({ includeMethod: true, includePath: true })], ...idle }
  },

  'pino-http': async () => {
    const { pinoHttp } = await import('pino-http')
    const { destination } = await import('pino')
    return { handlers: [pinoHttp({}, destination('/dev/null')) as RequestHandler], ...idle }
  },

  morgan: async () => {
    const { default: morgan } = await import('morgan')
    return { handlers: [morgan('combined', { stream: createWriteStream('/dev/null') })], ...idle }
  },

  opentelemetry: async () => {
    const { startTracing } = await import('./opentelemetry.js')
    return startTracing()
  },
}

/** Must be called before Express is loaded: OpenTelemetry replaces parts of it on the way in. */
export function mount(name: string, input: VariantInput): Promise<Mounted> {
  const variant = variants[name]
  if (variant === undefined) throw new Error(`no variant ${name}`)
  return variant(input)
}
