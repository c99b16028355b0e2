import { fork, type ChildProcess } from 'node:child_process'

/** What a child process can be asked. */
export type Handlers = Record<string, (argument: never) => unknown>

interface Question {
  id: number
  verb: string
  argument: unknown
}

interface Answer {
  id: number
  value?: unknown
  error?: string
}

/** In the child: answers questions over IPC, and ends with its parent. */
export function serve(handlers: Handlers): void {
  const answer = async ({ id, verb, argument }: Question) => {
    try {
      const value: unknown = await handlers[verb]?.(argument as never)
      process.send?.({ id, value })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.stack : String(error) })
    }
  }
  process.on('message', (question: Question) => void answer(question))
  process.on('disconnect', () => process.exit())
  process.send?.({ id: 0 })
}

/** A child process that answers questions. */
export class Child {
  readonly #process: ChildProcess
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (e: Error) => void }
  >()
  #lastId = 0

  private constructor(path: string, args: readonly string[], nodeOptions: readonly string[]) {
    this.#process = fork(path, args, { execArgv: [...nodeOptions] })
    this.#process.on('message', (answer: Answer) => this.#take(answer))
    this.#process.on('exit', (code) => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`${path} ${args.join(' ')} ended with ${code}`))
      }
      this.#waiting.clear()
    })
  }

  /** Resolves when the child is ready to be asked. */
  static async start(
    path: string,
    args: readonly string[] = [],
    nodeOptions: readonly string[] = [],
  ) {
    const child = new Child(path, args, nodeOptions)
    await child.#expect(0)
    return child
  }

  ask<T>(verb: string, argument?: unknown): Promise<T> {
    this.#lastId += 1
    this.#process.send({ id: this.#lastId, verb, argument })
    return this.#expect(this.#lastId) as Promise<T>
  }

  /** Lets it close what it has open, then end. */
  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    await this.ask('stop')
    this.#process.disconnect()
    await ended
  }

  #expect(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #take({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  }
}
