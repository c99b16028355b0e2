import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { typescriptArgs } from '../helpers/children.js'
import { until } from '../helpers/until.js'
import { segmentsIn } from '../ledger/spool/support.js'

const script = fileURLToPath(new URL('app.ts', import.meta.url))

/** One life of an app, from its start until it is killed. */
export interface Life {
  readonly child: ChildProcess
  readonly port: number
  readonly agent: Agent
  /** When it was killed, ms as `performance.now` counts; Infinity while it was not. */
  killedAt: number
}

export interface App {
  readonly dir: string
  /** Undefined while it is down. */
  life: Life | undefined
  shiftMs: number
}

/** What a process says when it has closed. */
interface Closed {
  readonly flushed: boolean
  readonly left_in_spool: number
}

/** Two processes of one app, each with a spool directory of its own. */
export class Fleet {
  readonly apps: readonly App[]
  readonly #uri: string

  private constructor(uri: string, apps: readonly App[]) {
    this.#uri = uri
    this.apps = apps
  }

  static async start(uri: string): Promise<Fleet> {
    const dirs = await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), 'faults-spool-'))))
    const apps = dirs.map((dir): App => ({ dir, life: undefined, shiftMs: 0 }))
    const fleet = new Fleet(uri, apps)
    await Promise.all(apps.map((_, app) => fleet.start(app)))
    return fleet
  }

  async start(app: number): Promise<void> {
    const one = this.#app(app)
    const args = [this.#uri, one.dir, String(one.shiftMs)]
    const env = { ...process.env, NODE_V8_COVERAGE: '' }
    const child = fork(script, args, { env, execArgv: [...typescriptArgs] })
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    const agent = new Agent({ keepAlive: true, maxSockets: 64 })
    one.life = { child, port, agent, killedAt: Infinity }
  }

  /** Kills it; it is back after so long. */
  async kill(app: number, downMs: number): Promise<void> {
    const one = this.#app(app)
    const { life } = one
    if (life === undefined) return
    const ended = once(life.child, 'exit')
    life.killedAt = performance.now()
    life.child.kill('SIGKILL')
    one.life = undefined
    await ended
    life.agent.destroy()
    await sleep(downMs)
    await this.start(app)
  }

  async freeze(app: number, forMs: number): Promise<void> {
    const child = this.#app(app).life?.child
    child?.kill('SIGSTOP')
    await sleep(forMs)
    child?.kill('SIGCONT')
  }

  jump(app: number, byMs: number): void {
    const one = this.#app(app)
    one.shiftMs += byMs
    one.life?.child.send({ shiftMs: one.shiftMs })
  }

  /** Resolves when every app has everything in the log that it, and those before it, had accepted. */
  async flush(): Promise<void> {
    await Promise.all(
      this.apps.map(async ({ dir }, app) => {
        await this.#tell(app, 'flush')
        // Those that are dead have nothing left then, either. One look may miss what is taken over just then.
        const isEmpty = async () => (await segmentsIn(dir)).length === 0
        await until(async () => (await isEmpty()) && (await isEmpty()), 60_000)
      }),
    )
  }

  /** Ends all in order, and answers what they say and which files they leave. */
  async close(): Promise<{ closed: readonly Closed[]; files: readonly string[] }> {
    const closed = await Promise.all(this.apps.map((_, app) => this.#tell(app, 'close')))
    for (const { life } of this.apps) life?.agent.destroy()
    const names = await Promise.all(this.apps.map(({ dir }) => readdir(dir, { recursive: true })))
    // What begins with a dot was never complete: its process was killed before it could use it.
    const files = names.flat().filter((name) => !name.startsWith('.'))
    return { closed: closed as Closed[], files }
  }

  /** Ends whatever still runs, and removes the directories. */
  async destroy(): Promise<void> {
    for (const { life, dir } of this.apps) {
      life?.child.kill('SIGKILL')
      life?.agent.destroy()
      await rm(dir, { recursive: true, force: true })
    }
  }

  async #tell(app: number, what: 'flush' | 'close'): Promise<unknown> {
    const child = this.#app(app).life?.child
    if (child === undefined) return undefined
    const answer = once(child, 'message')
    child.send(what)
    return (await answer)[0]
  }

  #app(app: number): App {
    const one = this.apps[app]
    if (one === undefined) throw new Error(`no app ${app}`)
    return one
  }
}
