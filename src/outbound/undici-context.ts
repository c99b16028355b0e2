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
  return mayHaveWaited(request) && wasQueued(caller, request) ? undefined : work()
}

/** The class of the requests that Node's own `fetch` makes, once one has been seen. */
let builtIn: unknown
/** The global dispatcher as it was looked at last. */
let seen: { readonly dispatcher: unknown; readonly isUnlimited: boolean } = {
  dispatcher: undefined,
  // It is made with the first request.
  isUnlimited: true,
}

/**
 * False where it cannot be: Node's own undici is only to be had by its global dispatcher, which makes
 * as many connections as it needs unless somebody has put another in its place.
 */
function mayHaveWaited(request: object): boolean {
  if (request.constructor !== builtIn) return true
  const dispatcher: unknown = Reflect.get(globalThis, globalDispatcher)
  if (seen.dispatcher !== dispatcher) {
    seen = { dispatcher, isUnlimited: isUnlimited(dispatcher) }
  }
  return !seen.isUnlimited
}

const globalDispatcher = Symbol.for('undici.globalDispatcher.1')

function isUnlimited(dispatcher: unknown): boolean {
  if (typeof dispatcher !== 'object' || dispatcher?.constructor.name !== 'Agent') return false
  const key = symbolOf(dispatcher, 'options')
  const options: unknown = key && Reflect.get(dispatcher, key)
  if (typeof options !== 'object' || options === null) return false
  const connections: unknown = Reflect.get(options, 'connections')
  return connections === undefined || connections === null
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
  const key = symbolOf(request, 'handler')
  const handler: unknown = key && Reflect.get(request, key)
  if (typeof handler !== 'object' || handler === null) return undefined
  const run: unknown = Reflect.get(handler, 'runInAsyncScope')
  return typeof run === 'function' ? (work) => run.call(handler, work) as never : undefined
}

/** Whether the pool is letting a request go that has waited; the call stack tells. */
function wasQueued(caller: () => void, request: object): boolean {
  for (const site of callSites(caller)) {
    if (site.isConstructor() && site.getFileName() === 'node:internal/deps/undici/undici') {
      builtIn = request.constructor
    }
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
