import { ClientRequest } from 'node:http'
import { hookMethod } from './hook-method.js'

/** Hears of a request, and of what its first `write` or `end` was called with. */
type Listener = (request: ClientRequest, args: readonly unknown[]) => void

const listeners = new Set<Listener>()
let lifts: (() => void)[] = []

/**
 * Tells of a client request when it is first written to: for Node 20, whose channels tell of it
 * only when its body has gone. One hook serves all meters of the process. Answers how to stop.
 */
export function observeFirstUse(listener: Listener): () => void {
  if (listeners.size === 0) {
    lifts = ['write', 'end'].map((name) =>
      hookMethod(ClientRequest.prototype, name, (original) => {
        return function observedRequest(this: unknown, ...args: unknown[]): unknown {
          for (const each of listeners) each(this as ClientRequest, args)
          return original.apply(this, args)
        }
      }),
    )
  }
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) for (const lift of lifts.splice(0)) lift()
  }
}
