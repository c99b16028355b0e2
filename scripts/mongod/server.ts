import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { replicaSetName } from './replica-set.js'

export interface LaunchOptions {
  dbPath: string
  logPath: string
  port: number
}

/** A mongod process that ends when this process does. */
export interface Server {
  /** 0 when it could not be started at all. */
  readonly pid: number
  /** Resolves when the process is gone; never rejects. */
  readonly ended: Promise<void>
  readonly exitCode: number | undefined
  /** How it ended, for a person. */
  readonly outcome: string
  /** SIGTERM, and SIGKILL where that does not help within 30 s. Resolves when it is gone. */
  stop(): Promise<void>
  /** Lets this process end (and the server with it) without `stop`. */
  unref(): void
}

const stopWithinMs = 30_000

/**
 * The shell leaves a watcher behind and becomes mongod, so that mongod is our direct child. The
 * watcher waits for the end of a pipe of which we hold the other end: when we die, however we die,
 * the system closes it. It cannot hit a stranger: no process id is used again while a process group
 * of that id, here the watcher's, exists.
 */
const watched = '(read -r _ <&3; kill -TERM $$) 2>/dev/null & exec "$0" "$@" 3<&-'

/** Starts mongod. It may still fail: see `ended`. */
export function launch(mongod: string, options: LaunchOptions): Server {
  const args = argumentsFor(options)
  const log = openSync(options.logPath, 'a', 0o600)
  try {
    return new MongodProcess(spawnMongod(mongod, args, log))
  } finally {
    closeSync(log)
  }
}

function spawnMongod(mongod: string, args: string[], log: number): ChildProcess {
  if (process.platform === 'win32') {
    return spawn(mongod, args, { stdio: ['ignore', log, log], windowsHide: true })
  }
  // A session of its own: Ctrl-C is for us, and we end mongod after its clients are closed.
  return spawn('/bin/sh', ['-c', watched, mongod, ...args], {
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
  })
}

class MongodProcess implements Server {
  readonly pid: number
  readonly ended: Promise<void>
  outcome = 'no exit code'
  exitCode: number | undefined
  readonly #child: ChildProcess
  readonly #lifeline: Socket | undefined

  constructor(child: ChildProcess) {
    this.#child = child
    this.pid = child.pid ?? 0
    const lifeline = child.stdio[3]
    this.#lifeline = lifeline instanceof Socket ? lifeline.on('error', () => undefined) : undefined
    this.ended = new Promise((resolve) => {
      const end = (outcome: string, code?: number) => {
        this.outcome = outcome
        this.exitCode = code
        this.#lifeline?.destroy()
        resolve()
      }
      child.once('error', (error) => end(error.message))
      child.once('exit', (code, signal) =>
        end(signal ?? `exit code ${code ?? '?'}`, code ?? undefined),
      )
    })
  }

  async stop(): Promise<void> {
    this.#child.ref()
    this.#child.kill('SIGTERM')
    const force = setTimeout(() => this.#child.kill('SIGKILL'), stopWithinMs).unref()
    await this.ended
    clearTimeout(force)
  }

  unref(): void {
    this.#child.unref()
    this.#lifeline?.unref()
  }
}

function argumentsFor({ dbPath, logPath, port }: LaunchOptions): string[] {
  const parameters = [
    'diagnosticDataCollectionEnabled=false',
    // Clients that were forgotten hold it up no longer than this.
    'shutdownTimeoutMillisForSignaledShutdown=500',
  ]
  return [
    ...['--dbpath', dbPath, '--port', String(port), '--bind_ip', '127.0.0.1'],
    ...['--replSet', replicaSetName, '--oplogSize', '128', '--wiredTigerCacheSizeGB', '0.25'],
    ...['--quiet', '--logpath', logPath, '--logappend'],
    ...parameters.flatMap((parameter) => ['--setParameter', parameter]),
    ...(process.platform === 'win32' ? [] : ['--nounixsocket']),
  ]
}
