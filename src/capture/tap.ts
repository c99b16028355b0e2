import type { ServerResponse } from 'node:http'

/** What a tap tells of the response it sits on. */
export interface ResponseSink {
  /** `write` or `end` was called with a chunk and the response took it. */
  wrote(chunk: unknown, encoding: unknown): void
  /** `wrote` threw; it is not called again. */
  failed(error: unknown): void
}

type Method = (this: ServerResponse, ...args: unknown[]) => unknown

/**
 * Listens to what a response writes without changing it: arguments, return values (back-pressure),
 * exceptions and order stay the host's. The original is called first; the sink hears what was taken.
 * Only two methods are replaced: Express gives every response a shape of its own, which makes each
 * new property dear.
 */
export function tapResponse(res: ServerResponse, sink: ResponseSink): void {
  const write = methodOf(res, 'write')
  const end = methodOf(res, 'end')
  let isDeaf = false

  const tell = (chunk: unknown, encoding: unknown) => {
    if (isDeaf) return
    try {
      sink.wrote(chunk, encoding)
    } catch (error) {
      isDeaf = true
      sink.failed(error)
    }
  }

  res.write = function tappedWrite(this: ServerResponse, ...args: unknown[]): boolean {
    const result = write.apply(this, args) as boolean
    tell(args[0], args[1])
    return result
  } as typeof res.write

  res.end = function tappedEnd(this: ServerResponse, ...args: unknown[]): ServerResponse {
    const result = end.apply(this, args) as ServerResponse
    if (args.length > 0 && typeof args[0] !== 'function') tell(args[0], args[1])
    isDeaf = true
    return result
  } as typeof res.end
}

/** A method as it is now, with what other middleware has put over it. */
function methodOf(res: ServerResponse, name: 'write' | 'end'): Method {
  return Reflect.get(res, name) as Method
}
