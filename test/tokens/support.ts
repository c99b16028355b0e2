import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { systemClock } from '../../src/clock.js'
import {
  createTokenCounter,
  type TokenCounter,
  type TokenCounterOptions,
} from '../../src/tokens/counter.js'

/** A counter that writes what it logs into `lines`. */
export function testCounter(options: Partial<TokenCounterOptions> = {}): {
  counter: TokenCounter
  lines: string[]
} {
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const logger = { info: write, warn: write, error: write }
  return { counter: createTokenCounter({ logger, clock: systemClock, ...options }), lines }
}

/** The longest time that a thread's event loop was held up, in ms. */
export interface Gaps {
  here: number
  /** Of a thread with nothing to do: what the machine itself costs meanwhile. */
  elsewhere: number
}

/** Watches the event loop of this thread, and that of an idle one for comparison. */
export async function watchGaps(): Promise<() => Promise<Gaps>> {
  const idle = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const stop = (${watchLoop.toString()})()
     parentPort.on('message', () => parentPort.postMessage(stop()))
     parentPort.postMessage('ready')`,
    { eval: true, execArgv: [] },
  )
  await once(idle, 'message')
  const stop = watchLoop()
  return async () => {
    const here = stop()
    idle.postMessage('stop')
    const answer: unknown[] = await once(idle, 'message')
    await idle.terminate()
    return { here, elsewhere: Number(answer[0]) }
  }
}

function watchLoop(): () => number {
  let worst = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    worst = Math.max(worst, now - last - 1)
    last = now
  }, 1)
  return () => {
    clearInterval(timer)
    return Math.max(worst, performance.now() - last - 1)
  }
}

/** The shortest of three runs in ms: what the work takes on a machine that is busy otherwise. */
export function bestTime(work: () => void): number {
  const times = [1, 2, 3].map(() => {
    const started = performance.now()
    work()
    return performance.now() - started
  })
  return Math.min(...times)
}

/** A tool with so many properties. */
export function manyProperties(count: number): unknown[] {
  const properties = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string', enum: ['a', 'b'] }]),
  )
  return [{ name: 'big', parameters: { properties } }]
}

export function manyTools(count: number): unknown[] {
  return Array.from({ length: count }, () => ({ name: 'many' }))
}
