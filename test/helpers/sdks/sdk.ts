import type { Fault, Simulator } from '../../../scripts/simulator/index.js'
import type { TokenUsage } from '../../../scripts/simulator/usage.js'

/** One question to a provider. */
export interface Ask {
  readonly prompt: string
  readonly fault?: Fault
  /** Aborts the call to the provider. */
  readonly signal?: AbortSignal
}

/** What the SDK tells its caller, in the normal form: cache inside input, reasoning inside output. */
export type Told = Partial<TokenUsage>

export interface Reply {
  readonly text: string
  readonly told: Told
}

export type Way = 'whole' | 'stream'

/** An official SDK as a client of the simulator; it never retries. */
export interface Client {
  whole(ask: Ask): Promise<Reply>
  /** Gives text as it comes, at the end what was told of usage. */
  stream(ask: Ask): AsyncGenerator<string, Told>
}

export interface Sdk {
  readonly name: string
  /** Who is billed. */
  readonly provider: string
  /** The SDK speaks HTTP/2. */
  readonly http2?: true
  /** The SDK fails when an answer, or a stream, tells no usage. */
  readonly insistsOnUsage?: readonly Way[]
  /** The SDK reads on after a broken line of a stream. */
  readonly skipsBrokenLines?: true
  connect(simulator: Simulator): Client
}

export function headersOf({ fault }: Ask): Record<string, string> {
  return fault ? { 'x-simulator-fault': fault } : {}
}

export function signalOf({ signal }: Ask): { signal?: AbortSignal } {
  return signal ? { signal } : {}
}

/** Asks and reads to the end, streaming or not. */
export function askIn(way: Way, client: Client, ask: Ask): Promise<Reply> {
  return way === 'whole' ? client.whole(ask) : readAll(client.stream(ask))
}

/** Reads a stream to its end. */
export async function readAll(stream: AsyncGenerator<string, Told>): Promise<Reply> {
  let text = ''
  for (;;) {
    const step = await stream.next()
    if (step.done) return { text, told: step.value }
    text += step.value
  }
}
