import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request, type Agent } from 'node:http'
import type { PlanOptions } from '../../src/index.js'
import { secret } from '../helpers/app.js'
import { typescriptArgs } from '../helpers/children.js'

/** A host in a process of its own. */
export interface Instance {
  readonly child: ChildProcess
  readonly port: number
  /** Resolves when it says so. */
  reports(what: object): Promise<void>
}

/** With its plans by tier; `free` is that of whoever says no other. */
export async function startInstance(
  uri: string,
  plans: Record<string, PlanOptions>,
): Promise<Instance> {
  const script = new URL('instance.ts', import.meta.url).pathname
  const child = fork(script, [uri, secret, JSON.stringify(plans)], {
    execArgv: [...typescriptArgs],
    // What it runs is covered by other tests, and telling so takes long.
    env: { ...process.env, NODE_V8_COVERAGE: '' },
  })
  const [port] = (await once(child, 'message')) as [number]
  const said = new Set<string>()
  child.on('message', (message) => said.add(JSON.stringify(message)))
  const reports = async (what: object) => {
    while (!said.has(JSON.stringify(what))) await once(child, 'message')
  }
  return { child, port, reports }
}

/** From now on its clock shows this, and goes on. */
export async function setClock({ child }: Instance, now: number): Promise<void> {
  const set = once(child, 'message')
  child.send(now)
  await set
}

/** Resolves when all it has answered is in the log. */
export async function flush({ child }: Instance): Promise<void> {
  const flushed = once(child, 'message')
  child.send('flush')
  await flushed
}

/** Lets it close, or kills it; resolves when it is gone. */
export async function endOf({ child }: Instance, signal?: 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const left = once(child, 'exit')
  if (signal === undefined) child.send('stop')
  else child.kill(signal)
  await left
}

interface Asked {
  readonly body?: string
  readonly path?: string
  readonly tier?: string
}

/** The status of an answer, once all of it has come. */
export function ask(
  agent: Agent,
  { port }: Instance,
  user: string,
  { body = '', path = '/ai/chat', tier = 'free' }: Asked = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const target = `${path}?user=${user}&tier=${tier}`
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const req = request({ port, agent, path: target, method: 'POST', headers }, (res) => {
      // Then nobody was asked, and what a limit does is not seen.
      if (res.headers['x-usage-degraded'] !== undefined)
        reject(new Error('let through unasked: the store took too long'))
      res.resume().once('end', () => resolve(res.statusCode ?? 0))
      res.once('error', reject)
    })
    req.once('error', reject)
    req.end(body)
  })
}
