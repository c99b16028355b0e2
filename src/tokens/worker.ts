import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { get_encoding } from 'tiktoken'
import { systemClock } from '../clock.js'
import type { EncodingName } from './encoding.js'
import { countSlices, type Encoder } from './text.js'

/** Texts to be counted by the worker. */
export interface CountJob {
  id: number
  encoding: EncodingName
  input: readonly string[]
  output: readonly string[]
}

/** What the worker is told. */
export type ToWorker = { jobs: readonly CountJob[] } | { cancel: number }

/** What the worker answers, once for each job: token counts, or that it was cancelled. */
export type CountResult =
  { id: number; input: number; output: number } | { id: number; cancelled: true }

/** How long to count before looking for messages. */
const turnMs = 10

const encoders = new Map<EncodingName, Encoder>()
const queue: CountJob[] = []
const cancelled = new Set<number>()
let results: CountResult[] = []
let isRunning = false
let turnStarted = 0

function encoderOf(name: EncodingName): Encoder {
  const known = encoders.get(name)
  if (known) return known
  const tiktoken = get_encoding(name)
  const byteLengths = new Map<number, number>()
  let lastText = ''
  let lastTokens: Uint32Array = new Uint32Array()
  const encoder: Encoder = {
    encode: (text) => {
      // A long row of one character gives the same slice over and over.
      if (text !== lastText) {
        lastTokens = tiktoken.encode_ordinary(text)
        lastText = text
      }
      return lastTokens
    },
    byteLength: (token) => {
      const length = byteLengths.get(token) ?? tiktoken.decode_single_token_bytes(token).length
      byteLengths.set(token, length)
      return length
    },
  }
  encoders.set(name, encoder)
  return encoder
}

function report(): void {
  if (results.length === 0) return
  parentPort?.postMessage(results)
  results = []
}

/** Lets messages in when the turn is over. */
async function breathe(): Promise<void> {
  if (systemClock.elapsed() - turnStarted < turnMs) return
  report()
  await setImmediate()
  turnStarted = systemClock.elapsed()
}

/** Tokens of all texts, or undefined when the job is cancelled meanwhile. */
async function countTexts(
  job: CountJob,
  texts: readonly string[],
  encoder: Encoder,
): Promise<number | undefined> {
  let total = 0
  for (const text of texts) {
    for (const count of countSlices(encoder, text)) {
      total += count
      await breathe()
      if (cancelled.has(job.id)) return undefined
    }
  }
  return total
}

async function countJob(job: CountJob): Promise<CountResult> {
  const encoder = encoderOf(job.encoding)
  const input = await countTexts(job, job.input, encoder)
  const output = input === undefined ? undefined : await countTexts(job, job.output, encoder)
  if (input === undefined || output === undefined) return { id: job.id, cancelled: true }
  return { id: job.id, input, output }
}

async function run(): Promise<void> {
  isRunning = true
  turnStarted = systemClock.elapsed()
  for (let job = queue.shift(); job; job = queue.shift()) {
    const result = await countJob(job)
    results.push(result)
  }
  cancelled.clear()
  isRunning = false
  report()
}

function cancel(id: number): void {
  const index = queue.findIndex((job) => job.id === id)
  if (index === -1) {
    cancelled.add(id)
    return
  }
  queue.splice(index, 1)
  results.push({ id, cancelled: true })
  report()
}

// A failure is left to end the thread: the encoder's memory may be damaged, and a new one is clean.
parentPort?.on('message', (message: ToWorker) => {
  if ('cancel' in message) cancel(message.cancel)
  else queue.push(...message.jobs)
  if (!isRunning) void run()
})
