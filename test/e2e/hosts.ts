import { createServer } from 'node:http'
import express5, { type Express, type RequestHandler } from 'express'
import express4 from 'express4'
import { createUsage, type Usage, type UsageEvent, type UsageOptions } from '../../src/index.js'
import { bearer, listen, secret } from '../helpers/app.js'
import { freshDatabase } from '../helpers/mongo.js'
import { quiet as logger } from '../helpers/quiet.js'

export const completion = { model: 'gpt-4o', usage: { prompt_tokens: 10, completion_tokens: 5 } }
export const answers: RequestHandler = (_req, res) => void res.json(completion)

type Log = Pick<
  UsageEvent,
  'user_id' | 'tokens_used' | 'token_source' | 'status' | 'endpoint' | 'model' | 'response_bytes'
>

export const expresses = [
  [5, express5],
  [4, express4],
] as const

/** Hosts of one test, and how to end them. */
export class Hosts {
  readonly #ends: (() => Promise<void>)[] = []

  /** An app of which nothing is mounted but what `mount` does. */
  async start(
    express: () => Express,
    mount: (app: Express, usage: Usage) => void,
    more: Partial<UsageOptions> = {},
  ) {
    const database = await freshDatabase()
    const { connection } = database
    const auth = { secret, algorithms: ['HS256' as const] }
    const usage = createUsage({ connection, auth, logger, apiRateLimit: false, ...more })
    await usage.ready()
    const app = express()
    mount(app, usage)
    const server = createServer(app)
    const url = await listen(server)
    this.#ends.push(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await usage.close()
      await database.drop()
    })
    const logged = async (): Promise<Log[]> => {
      await usage.flush()
      return connection.collection<Log>('usage_logs').find().sort({ _id: 1 }).toArray()
    }
    return { url, usage, logged }
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end()
  }
}

export function post(url: string, body: string | Uint8Array = '{"message":"hello"}') {
  return fetch(url, {
    method: 'POST',
    headers: { ...bearer('ann'), 'content-type': 'application/json' },
    body,
    signal: AbortSignal.timeout(5_000),
  })
}
