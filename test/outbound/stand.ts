import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import {
  startSimulator,
  type BilledCall,
  type Fault,
  type Simulator,
} from '../../scripts/simulator/index.js'
import type { UsageEvent } from '../../src/index.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { askIn, type Client, type Sdk, type Way } from '../helpers/sdks/index.js'

/** What the host is asked, and how its handler is to go about it: `leave` gives the provider up half-way. */
interface Question {
  readonly prompt: string
  readonly deed: Way | 'leave'
  readonly fault?: Fault
}

/** A metered host that asks a provider through an SDK and answers `{ reply }`, no more. */
export interface Stand {
  readonly simulator: Simulator
  /** Asks as a user of the host; the signal leaves the host, not the provider. */
  readonly ask: (user: string, question: Question, signal?: AbortSignal) => Promise<Response>
  /** Asks, and leaves the host while its handler waits for the provider. */
  readonly leave: (user: string, question: Question) => Promise<void>
  /** The only operation of the user, once it is in the log. */
  readonly event: (user: string) => Promise<UsageEvent>
}

export interface Stands {
  of(sdk: Sdk): Stand
  close(): Promise<void>
}

/** Tokens come slowly enough to leave in the middle of an answer. */
const pace = { firstTokenMs: 10, msPerToken: 2 }

/** One host for all SDKs, with a provider for each. */
export async function startStands(sdks: readonly Sdk[]): Promise<Stands> {
  const sides = await Promise.all(
    sdks.map(async (sdk) => {
      const simulator = await startSimulator({ http2: sdk.http2 ?? false, pace })
      return { sdk, simulator, client: sdk.connect(simulator), handler: new EventEmitter() }
    }),
  )
  const hosts = sides.map(({ sdk, simulator: { url } }) => ({
    baseUrl: url,
    provider: sdk.provider,
  }))
  const app = await startApp(
    (host) => {
      host.post('/ai/chat', express.json({ limit: '1mb' }), async (req, res) => {
        const { sdk, ...question } = req.body as Question & { sdk: string }
        const side = sides.find((one) => one.sdk.name === sdk) ?? assert.fail(sdk)
        side.handler.emit('asks')
        try {
          res.json({ reply: await answer(side.client, question) })
        } catch {
          res.status(502).json({ reply: null })
        }
      })
    },
    { capture: { outbound: { hosts } } },
  )
  return {
    of: (sdk) => {
      const { simulator, handler } = sides.find((one) => one.sdk === sdk) ?? assert.fail(sdk.name)
      const userOf = (user: string) => `${sdk.name} ${user}`
      const ask: Stand['ask'] = (user, question, signal) =>
        fetch(`${app.url}/ai/chat`, {
          method: 'POST',
          headers: {
            ...bearer(userOf(user), { tier: 'pro' }),
            'content-type': 'application/json',
          },
          body: JSON.stringify({ ...question, sdk: sdk.name }),
          ...(signal && { signal }),
        })
      return {
        simulator,
        ask,
        leave: async (user, question) => {
          const leaving = new AbortController()
          const asking = once(handler, 'asks')
          const left = assert.rejects(ask(user, question, leaving.signal), { name: 'AbortError' })
          await asking
          await sleep(30)
          leaving.abort()
          await left
        },
        event: (user) => onlyEvent(app, userOf(user)),
      }
    },
    close: async () => {
      await app.close()
      await Promise.all(sides.map(({ simulator }) => simulator.close()))
    },
  }
}

async function answer(client: Client, { prompt, deed, fault }: Question): Promise<string> {
  if (deed === 'leave') return begin(client, prompt)
  const { text } = await askIn(deed, client, { prompt, ...(fault && { fault }) })
  return text
}

/** Reads the beginning of a stream and gives the call up. */
async function begin(client: Client, prompt: string): Promise<string> {
  const leaving = new AbortController()
  let text = ''
  try {
    for await (const piece of client.stream({ prompt, signal: leaving.signal })) {
      text += piece
      if (text.length > 60) leaving.abort()
    }
  } catch (error) {
    if (!leaving.signal.aborted) throw error
  }
  return text
}

async function onlyEvent(app: TestApp, user: string): Promise<UsageEvent> {
  for (let tries = 0; tries < 100; tries += 1) {
    await app.usage.flush()
    const { data } = await app.admin<{ data: UsageEvent[] }>(
      `/logs?user=${encodeURIComponent(user)}`,
    )
    const [event, ...more] = data
    assert.deepEqual(more, [])
    if (event) return event
    await sleep(50)
  }
  throw new Error(`no event of ${user}`)
}

/** The only call the simulator has settled since it was reset. */
export async function billedCall(simulator: Simulator): Promise<BilledCall> {
  for (let tries = 0; tries < 500 && simulator.billed().length === 0; tries += 1) await sleep(10)
  const [call, ...more] = simulator.billed()
  assert.ok(call, 'no call was billed')
  assert.deepEqual(more, [])
  return call
}
