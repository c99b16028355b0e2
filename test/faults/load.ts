import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fleet, Life } from './fleet.js'
import { operationOf, type Operation } from './operations.js'

/** What the client of an operation knows in the end. */
export type Known =
  /** All of the answer has come, or `record` has resolved, from that process, at that moment. */
  | { readonly outcome: 'accepted'; readonly life: Life; readonly at: number }
  /** It was sent, and its connection ended: it may have happened or not. */
  | { readonly outcome: 'in doubt' }

export interface LoadOptions {
  readonly fleet: Fleet
  readonly seed: number
  readonly operations: number
  /** They are spread over at least so long, ms. */
  readonly lastsMs: number
  readonly onBegin: (index: number) => void
}

const workers = 48

/** Sends all operations, and answers what became of each as far as its client can tell. */
export async function load(options: LoadOptions): Promise<Known[]> {
  const { fleet, seed, operations, lastsMs, onBegin } = options
  const known: Known[] = []
  const began = performance.now()
  let next = 0
  const work = async () => {
    for (let index = next++; index < operations; index = next++) {
      const early = (index / operations) * lastsMs - (performance.now() - began)
      if (early > 1) await sleep(early)
      onBegin(index)
      known[index] = await send(fleet, operationOf(seed, index), index)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return known
}

/** As a client does: what nobody has taken is sent to another; jobs are told again under their id. */
async function send(fleet: Fleet, operation: Operation, index: number): Promise<Known> {
  for (let attempt = 0; ; attempt++) {
    const { life } = fleet.apps[(index + attempt) % fleet.apps.length] ?? {}
    const answer = life && (await ask(life, operation))
    if (life !== undefined && answer === 200) {
      return { outcome: 'accepted', life, at: performance.now() }
    }
    if (typeof answer === 'number' && answer !== 503) throw new Error(`answered ${answer}`)
    if (answer === 'cut' && operation.kind !== 'record') return { outcome: 'in doubt' }
    if (answer === 503 && operation.kind !== 'record') throw new Error('refused')
    await sleep(20)
  }
}

const paths = { json: '/ai/chat', stream: '/ai/chat/stream', record: '/record' }

/** The status, once all of the answer has come; or how the connection ended. */
function ask(life: Life, one: Operation): Promise<number | 'not sent' | 'cut'> {
  const { port, agent } = life
  const query = new URLSearchParams({
    ...{ u: one.user, op: one.id, model: one.model, works: String(one.worksMs) },
    ...{ i: String(one.input_tokens), o: String(one.output_tokens) },
  })
  const path = `${paths[one.kind]}?${query.toString()}`
  return new Promise((resolve) => {
    const failed = (error?: NodeJS.ErrnoException) =>
      resolve(error?.code === 'ECONNREFUSED' ? 'not sent' : 'cut')
    const sent = request({ host: '127.0.0.1', port, agent, path, method: 'POST' }, (res) => {
      res.resume().once('end', () => resolve(res.complete ? (res.statusCode ?? 0) : 'cut'))
      res.once('error', failed).once('aborted', failed)
    })
    sent.once('error', failed).end()
  })
}
