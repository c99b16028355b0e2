/** Frames of the stack that are looked at: enough to see through a channel and interceptors. */
const depth = 8

/**
 * Runs `work` in the async context that a request of undici was made in. Up to version 7 a pool with
 * a limit of connections makes a request that had to wait in the context of the one that went
 * before: another user's, perhaps. Then only the request's own handler knows better, and that of
 * `fetch` does not: `work` is not run, as nobody may be billed for another's call. The stack is
 * looked at from `caller` on, unless the request `isFirst` of its context: a pool lets go of what
 * waits in the context of one that it has served.
 */
export function inItsContext<T>(
  request: object,
  work: () => T,
  { isFirst, caller }: { isFirst: boolean; caller: () => void },
): T | undefined {
  const scope = scopeOf(request)
  if (scope) return scope(work)
  return !isFirst && wasQueued(caller) ? undefined : work()
}

/** Whether `fetch` takes what comes: it hands out copies only. Others hand out what they get. */
export function isOfFetch(request: object): boolean {
  const handler = handlerOf(request)
  return handler !== undefined && ofFetch.every((name) => Object.hasOwn(handler, name))
}

/** What the handler of `fetch` has of its own, and that of `request` has not all of. */
const ofFetch = ['body', 'abort', 'onResponseStarted'] as const

function handlerOf(request: object): object | undefined {
  const key = symbolOf(request, 'handler')
  const handler: unknown = key && Reflect.get(request, key)
  return typeof handler === 'object' && handler !== null ? handler : undefined
}

function symbolOf(holder: object, description: string): symbol | undefined {
  for (const symbol of Object.getOwnPropertySymbols(holder)) {
    if (symbol.description === description) return symbol
  }
  return undefined
}

type Scope = <T>(work: () => T) => T

/** The handlers of undici's `request`, `stream`, `pipeline` and `connect` are async resources. */
function scopeOf(request: object): Scope | undefined {
  const handler = handlerOf(request)
  if (handler === undefined) return undefined
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
