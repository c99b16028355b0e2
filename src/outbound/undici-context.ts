/** Deep enough to see through interceptors. */
const depth = 24

/**
 * Runs `work` in the async context that a request of undici was made in. Up to version 7 a pool with
 * a limit of connections makes a request that had to wait in the context of the one that went
 * before: another user's, perhaps. Then only the request's own handler knows better, and that of
 * `fetch` does not: `work` is not run, as nobody may be billed for another's call.
 */
export function inItsContext<T>(request: object, work: () => T): T | undefined {
  return wasQueued() ? scopeOf(request)?.(work) : work()
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
function wasQueued(): boolean {
  for (const site of callSites()) {
    const name = site.getFunctionName() ?? ''
    // Version 8 goes back to the request's context by itself.
    if (name === 'runInAsyncScope') return false
    if (name === 'onDrain' || name === '[onDrain]') return true
  }
  return false
}

function callSites(): NodeJS.CallSite[] {
  const { stackTraceLimit } = Error
  const before = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
  const holder: { stack?: NodeJS.CallSite[] } = {}
  try {
    Error.stackTraceLimit = depth
    Error.prepareStackTrace = (_error, sites) => sites
    Error.captureStackTrace(holder, wasQueued)
    return holder.stack ?? []
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    if (before) Object.defineProperty(Error, 'prepareStackTrace', before)
    else Reflect.deleteProperty(Error, 'prepareStackTrace')
  }
}
