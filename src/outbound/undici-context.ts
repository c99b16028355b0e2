/** Frames of the stack that are looked at: enough to see through a channel and interceptors. */
const depth = 8

/**
 * Runs `work` in the async context that a request of undici was made in. Up to version 7 a pool with
 * a limit of connections makes a request that had to wait in the context of the one that went
 * before: another user's, perhaps. Then only the request's own handler knows better, and that of
 * `fetch` does not: `work` is not run, as nobody may be billed for another's call. The stack is
 * looked at from `caller` on.
 */
export function inItsContext<T>(request: object, work: () => T, caller: () => void): T | undefined {
  const scope = scopeOf(request)
  if (scope) return scope(work)
  return wasQueued(caller) ? undefined : work()
}

type Scope = <T>(work: () => T) => T

/** The handlers of undici's `request`, `stream`, `pipeline` and `connect` are async resources. */
function scopeOf(request: object): Scope | undefined {
  const key = Object.getOwnPropertySymbols(request).find(
    ({ description }) => description === 'handler',
  )
  const handler: unknown = key && Reflect.get(request, key)
  if (typeof handler !== 'object' || handler === null) return undefined
  const run: unknown = Reflect.get(handler, 'runInAsyncScope')
  return typeof run === 'function' ? (work) => run.call(handler, work) as never : undefined
}

/** Whether the pool is letting a request go that has waited; the call stack tells. */
function wasQueued(caller: () => void): boolean {
  for (const site of callSites(caller)) {
    const name = site.getFunctionName() ?? ''
    // Version 8 goes back to the request's context by itself.
    if (name === 'runInAsyncScope') return false
    if (name === 'onDrain' || name === '[onDrain]') return true
  }
  return false
}

const asSites: typeof Error.prepareStackTrace = (_error, sites) => sites

function callSites(caller: () => void): NodeJS.CallSite[] {
  const { stackTraceLimit } = Error
  // Not called, only put back.
  const before: unknown = Reflect.get(Error, 'prepareStackTrace')
  const holder: { stack?: NodeJS.CallSite[] } = {}
  try {
    Error.stackTraceLimit = depth
    Error.prepareStackTrace = asSites
    Error.captureStackTrace(holder, caller)
    return holder.stack ?? []
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    Reflect.set(Error, 'prepareStackTrace', before)
  }
}
