import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What a tap tells of the response it sits on. */
export interface ResponseSink {
  /** `write`, or at last `end`, was called with a chunk and the response took it. */
  wrote(chunk: unknown, encoding: unknown, isLast: boolean): void
  /** `end` was called and has returned; bytes may be on their way still. */
  ended(): void
  /** `wrote` threw; it is not called again. */
  failed(error: unknown): void
}

type Method = (this: ServerResponse, ...args: unknown[]) => unknown

/** `write` and `end` of a response or its prototype. */
interface Methods {
  write: Method
  end: Method
}

/** A sink listening to a response, until the response ends. */
interface Tap {
  readonly res: ServerResponse
  readonly sink: ResponseSink
  /** Another on the same response. */
  also: Tap | undefined
  /** Chunks that its sink was told. */
  told: number
  isDeaf: boolean
  hasEnded: boolean
}

/**
 * Where a connection has its open taps: by connection, as there are far fewer of those than
 * responses, and on it, as each chunk looks there.
 */
const key = Symbol('express-ai-usage.taps')

type Tapped = Socket & { [key]?: Tap[] }

let shared: Methods | undefined

/**
 * Listens to what a response writes without changing it: arguments, return values (back-pressure),
 * exceptions and order stay the host's. The original is called first; the sink hears what was taken.
 *
 * Express gives every response a shape of its own, which makes each new property dear. So the two
 * methods are replaced once for all responses, from the first tap on, and on the response itself
 * only where it does not get them from there (compression has wrapped them before).
 */
export function tapResponse(res: ServerResponse, sink: ResponseSink): void {
  shared ??= replaceShared()
  const tap: Tap = { res, sink, also: undefined, told: 0, isDeaf: false, hasEnded: false }
  const { write, end } = methodsOf(res)
  if (write === shared.write && end === shared.end && opened(res, tap)) return
  Object.assign(
    res,
    tapped({ write, end }, () => tap),
  )
}

/** Whether the tap could be put on the response's connection. */
function opened(res: ServerResponse, tap: Tap): boolean {
  const socket = socketOf(res)
  if (socket === undefined) return false
  const open = socket[key]
  const first = open?.find((one) => one.res === res)
  if (first !== undefined) {
    tap.also = first.also
    first.also = tap
  } else if (open !== undefined) open.push(tap)
  else if (Object.isExtensible(socket)) Object.defineProperty(socket, key, { value: [tap] })
  else return false
  return true
}

/** Adapters of serverless platforms may have none. */
function socketOf({ req }: ServerResponse): Tapped | undefined {
  return req.socket
}

/** Puts tapped methods on the prototype of all responses. */
function replaceShared(): Methods {
  const { prototype } = ServerResponse
  const methods = tapped(methodsOf(prototype), tapOf)
  Object.assign(prototype, methods)
  return methods
}

function methodsOf(res: unknown): Methods {
  return res as Methods
}

function tapOf(res: ServerResponse): Tap | undefined {
  const open = socketOf(res)?.[key]
  if (open === undefined) return undefined
  for (const tap of open) if (tap.res === res) return tap
  return undefined
}

function tapped({ write, end }: Methods, find: (res: ServerResponse) => Tap | undefined): Methods {
  return {
    write: function tappedWrite(this: ServerResponse, ...args: unknown[]): unknown {
      const result = write.apply(this, args)
      const tap = find(this)
      if (tap) tell(tap, args[0], args[1], false)
      return result
    },
    end: function tappedEnd(this: ServerResponse, ...args: unknown[]): unknown {
      const tap = find(this)
      const told = tap?.told
      const result = end.apply(this, args)
      if (tap === undefined) return result
      // A host's own `end` may hand its chunk on by `write`.
      const isTold = tap.told !== told
      if (args.length > 0 && typeof args[0] !== 'function' && !isTold)
        tell(tap, args[0], args[1], true)
      if (!tap.hasEnded) close(tap)
      return result
    },
  }
}

function tell(tap: Tap, chunk: unknown, encoding: unknown, isLast: boolean): void {
  tap.told += 1
  if (tap.also !== undefined) tell(tap.also, chunk, encoding, isLast)
  if (tap.isDeaf) return
  try {
    tap.sink.wrote(chunk, encoding, isLast)
  } catch (error) {
    tap.isDeaf = true
    tap.sink.failed(error)
  }
}

function close(tap: Tap): void {
  if (tap.also !== undefined) close(tap.also)
  tap.isDeaf = true
  tap.hasEnded = true
  tap.sink.ended()
  const open = socketOf(tap.res)?.[key]
  const index = open?.indexOf(tap) ?? -1
  if (index !== -1) open?.splice(index, 1)
}
