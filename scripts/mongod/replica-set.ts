import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import mongoose from 'mongoose'
import * as z from 'zod'
import { reasonOf } from './error.js'

export const replicaSetName = 'express-ai-usage'

export interface BringUpOptions {
  /** On 127.0.0.1. */
  port: number
  /** Of the mongod that must be the one that answers there. */
  pid: number
  /** Ends the attempt; its reason is what this throws. */
  signal: AbortSignal
}

type Command = (command: Record<string, unknown>) => Promise<unknown>

const Status = z.object({ pid: z.coerce.number() })
const Hello = z.object({ isWritablePrimary: z.boolean() })
const Configuration = z.object({
  config: z.looseObject({
    version: z.number(),
    members: z.tuple([z.looseObject({ host: z.string() })]),
  }),
})

const notYetInitialized = 94
const pollMs = 20

/**
 * Resolves when the mongod accepts writes as the only member of its set: the set is initiated where
 * there is none yet, and follows the server to another port.
 */
export async function bringUp({ port, pid, signal }: BringUpOptions): Promise<void> {
  while (!(await accepts(port))) await pause(signal)
  const client = new mongoose.mongo.MongoClient(`mongodb://127.0.0.1:${port}/`, {
    directConnection: true,
    serverSelectionTimeoutMS: 10_000,
    // After a move mongod first asks whoever has its old port, and a mute one for 30 s.
    socketTimeoutMS: 60_000,
  })
  const command: Command = (body) => client.db('admin').command(body)
  try {
    const answering = Status.parse(await command({ serverStatus: 1, repl: 0 })).pid
    // Lost the port to another mongod: ours is about to end, and says why.
    if (answering !== pid) await strangerAnswers(answering, port, signal)
    await untilWritable(command, `127.0.0.1:${port}`, signal)
  } catch (error) {
    // Of a server that ended, its end says more than the connection that broke.
    if (error instanceof mongoose.mongo.MongoNetworkError) signal.throwIfAborted()
    throw error
  } finally {
    await client.close()
  }
}

async function strangerAnswers(answering: number, port: number, signal: AbortSignal) {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += pollMs) await pause(signal)
  throw new Error(`another mongod (process ${answering}) answers on port ${port}`)
}

async function untilWritable(command: Command, host: string, signal: AbortSignal): Promise<void> {
  let refusal: unknown
  while (!Hello.parse(await command({ hello: 1 })).isWritablePrimary) {
    try {
      await configure(command, host)
    } catch (error) {
      if (!(error instanceof mongoose.mongo.MongoServerError)) throw error
      // Such as a configuration still being loaded: it may go through the next time.
      refusal = error
    }
    await pause(signal, refusal)
  }
}

async function configure(command: Command, host: string): Promise<void> {
  const current = await configuration(command)
  if (current === undefined) {
    await command({ replSetInitiate: { _id: replicaSetName, members: [{ _id: 0, host }] } })
    return
  }
  const [member] = current.members
  if (member.host === host) return
  const moved = { ...current, version: current.version + 1, members: [{ ...member, host }] }
  // Forced, because a server that is no member of its set has no primary to ask.
  await command({ replSetReconfig: moved, force: true })
}

async function configuration(command: Command) {
  try {
    return Configuration.parse(await command({ replSetGetConfig: 1 })).config
  } catch (error) {
    const { MongoServerError } = mongoose.mongo
    if (error instanceof MongoServerError && error.code === notYetInitialized) return undefined
    throw error
  }
}

async function pause(signal: AbortSignal, refusal?: unknown): Promise<void> {
  await sleep(pollMs)
  if (signal.aborted && refusal !== undefined) {
    throw new Error(`${reasonOf(signal.reason)} (${reasonOf(refusal)})`)
  }
  signal.throwIfAborted()
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const settle = (accepted: boolean) => {
      socket.destroy()
      resolve(accepted)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}
