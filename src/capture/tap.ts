import type { ServerResponse } from 'node:http'

/** What a tap tells of the response it sits on. None of these may throw. */
export interface ResponseSink {
  /** `write` or `end` was called with a chunk and the response took it. */
  wrote(chunk: unknown, encoding: unknown): void
  /** `writeHead` was called with these arguments. */
  wroteHead(args: readonly unknown[]): void
}

/**
 * Listens to what a response writes without changing it: arguments, return values (back-pressure),
 * exceptions and order stay the host's. The original is called first; the sink hears what was taken.
 */
export function tapResponse(res: ServerResponse, sink: ResponseSink): void {
  const write = methodOf(res, 'write')
  const end = methodOf(res, 'end')
  const writeHead = methodOf(res, 'writeHead')
  let ended = false

  res.write = function tappedWrite(this: ServerResponse, ...args: unknown[]): boolean {
    const result = write.apply(this, args) as boolean
    if (!ended) sink.wrote(args[0], args[1])
    return result
  } as typeof res.write

  res.end = function tappedEnd(this: ServerResponse, ...args: unknown[]): ServerResponse {
    const result = end.apply(this, args) as ServerResponse
    if (!ended && typeof args[0] !== 'function') sink.wrote(args[0], args[1])
    ended = true
    return result
  } as typeof res.end

  res.writeHead = function tappedWriteHead(this: ServerResponse, ...args: unknown[]) {
    sink.wroteHead(args)
    return writeHead.apply(this, args) as ServerResponse
  }
}

type Method = (this: ServerResponse, ...args: unknown[]) => unknown

/** A method as it is now, with what other middleware has put over it. */
function methodOf(res: ServerResponse, name: 'write' | 'end' | 'writeHead'): Method {
  return Reflect.get(res, name) as Method
}
