import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { parseArgs } from 'node:util'
import express, { type Express } from 'express'
import { createUsage, type Usage } from '../src/index.js'
import { createDemoApp } from './demo/index.js'
import { chooseUpstream } from './demo/upstream.js'
import { mintToken } from './mint-token.js'
import { startEmbeddedMongod } from './mongod/embedded.js'
import { endBySignal, shutDown } from './shutdown.js'

const log = {
  info: (message: string) => console.log(message),
  warn: (message: string) => console.warn(message),
  error: (message: string) => console.error(message),
}

interface Running {
  readonly close: () => Promise<void>
}

/** The stand-alone server: an embedded mongod unless MONGODB_URI is set, a demo AI app, the meter. */
async function serve(env: NodeJS.ProcessEnv, deadlineMs: number): Promise<Running> {
  const port = portOf(env.PORT)
  const secret = secretOf(env.JWT_SECRET)
  const mongod = env.MONGODB_URI
    ? undefined
    : await startEmbeddedMongod({ dataDir: './data/mongod', log, env })
  const chosen = await chooseUpstream(env)
  const { upstream, description } = chosen
  const usage = createUsage({
    mongoUri: env.MONGODB_URI || (mongod?.uri ?? ''),
    auth: { secret, algorithms: ['HS256'] },
    spool: { dir: './data/spool' },
    pricing: { catalogueFile: env.AI_USAGE_PRICES_FILE || undefined },
    logger: log,
  })
  await usage.ready().catch((error: unknown) => {
    log.warn(`MongoDB is not there yet, what is used waits for it: ${String(error)}`)
  })
  const server = createServer(createApp(usage, createDemoApp({ upstream })))
  await listen(server, port)
  const url = `http://localhost:${boundPort(server)}`
  announce(url, description, env.JWT_SECRET === undefined ? secret : undefined)
  return {
    close: async () => {
      await shutDown({ server, usage, deadlineMs, warn: log.warn })
      await chosen.close()
      await mongod?.stop()
    },
  }
}

function createApp(usage: Usage, demo: express.Router): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(usage.track())
  app.use('/ai/usage', usage.router())
  app.get('/health', usage.health())
  app.use(demo)
  return app
}

function announce(url: string, upstream: string, developmentSecret: string | undefined): void {
  log.info(`\nexpress-ai-usage listens on ${url}`)
  log.info(`  AI app     ${url}/ai/chat   (${upstream})`)
  log.info(`  usage      ${url}/ai/usage/me`)
  log.info(`  API docs   ${url}/ai/usage/docs`)
  log.info(`  health     ${url}/health`)
  if (developmentSecret === undefined) {
    log.info('  tokens     npm run token -- --user alice --role admin')
    return
  }
  const now = Date.now()
  const mint = (user: string, role?: string) =>
    mintToken({
      secret: developmentSecret,
      user,
      tier: 'pro',
      ttlSeconds: 86_400,
      now,
      ...(role && { role }),
    })
  log.info(
    '\nDEVELOPMENT ONLY: no JWT_SECRET is set, so a random one serves for this run. Tokens for a day:',
  )
  log.info(`  USER_TOKEN=${mint('alice')}`)
  log.info(`  ADMIN_TOKEN=${mint('admin', 'admin')}`)
  log.info(
    `\nTry: curl -s ${url}/ai/chat -H "Authorization: Bearer $USER_TOKEN" -H 'Content-Type: application/json' -d '{"message":"Hello"}'`,
  )
}

/** An empty one is a mistake: tokens that were handed out would be refused, and new ones printed. */
function secretOf(text: string | undefined): string {
  if (text !== '') return text ?? randomBytes(32).toString('base64url')
  throw new Error(
    'JWT_SECRET must have at least 32 random bytes, it is empty; without it one is made',
  )
}

function portOf(text: string | undefined): number {
  // An empty variable, as files of them have, is none.
  const port = Number(text || 8000)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`PORT must be a port number, it is ${JSON.stringify(text)}`)
  }
  return port
}

function deadlineOf(text = '10000'): number {
  const ms = Number(text)
  if (Number.isInteger(ms) && ms >= 100 && ms <= 600_000) return ms
  throw new Error(`SHUTDOWN_MS must be from 100 to 600000, it is ${JSON.stringify(text)}`)
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function boundPort(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
  if (values.help) {
    log.info(
      'npm start: the stand-alone server. Settings by environment: see README.md, "Run it alone".',
    )
    return
  }
  const deadlineMs = deadlineOf(process.env.SHUTDOWN_MS)
  const { close } = await serve(process.env, deadlineMs)
  endBySignal(close, { deadlineMs, warn: log.warn })
}

main().catch((error: unknown) => {
  log.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
})
