import { setImmediate, setTimeout } from 'node:timers/promises'

/** A name, or the waits themselves in milliseconds. */
export type Pace =
  'instant' | 'realistic' | { readonly firstTokenMs: number; readonly msPerToken: number }

/** How fast one answer comes. Waits reject when the signal aborts. */
export interface Rhythm {
  /** No waits at all: an answer in one piece need not be made token by token. */
  readonly isInstant: boolean
  firstToken(signal: AbortSignal): Promise<void>
  tokens(count: number, signal: AbortSignal): Promise<void>
}

// The event loop turns between two frames, so they still leave as separate chunks and an abort is seen.
const INSTANT: Rhythm = {
  isInstant: true,
  firstToken: turn,
  tokens: (_count, signal) => turn(signal),
}

async function turn(signal: AbortSignal): Promise<void> {
  await setImmediate()
  signal.throwIfAborted()
}

/** How an answer comes at this pace; realistic is 150–600 ms to the first token, then 30–80 a second. */
export function rhythmOf(pace: Pace, random: () => number): Rhythm {
  if (pace === 'instant') return INSTANT
  const { firstTokenMs, msPerToken } = pace === 'realistic' ? realistic(random) : pace
  return {
    isInstant: false,
    firstToken: (signal) => pause(firstTokenMs, signal),
    tokens: (count, signal) => pause(count * msPerToken, signal),
  }
}

function realistic(random: () => number): Exclude<Pace, string> {
  return { firstTokenMs: 150 + 450 * random(), msPerToken: 1000 / (30 + 50 * random()) }
}

export function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return setTimeout(durationMs, undefined, { signal, ref: false })
}
