import type { CallTarget, ProviderCall } from '../capture/provider-call.js'

/** Where a request of the host goes. */
export interface Departure {
  readonly method: string
  /** `https://host[:port]` */
  readonly origin: string
  /** With the query; the whole URL where it goes through a plain proxy. */
  readonly path: string
}

/** What the hooks tell of the host's requests. */
export interface Observer {
  /** Whether a tracked request is being worked on in this async context. */
  isWatching(): boolean
  /** Whether this is asked for the first time in this async context's tracked request. */
  isFirst(): boolean
  /** The provider it goes to, if any. Cheap: asked for every request of the process. */
  find(departure: Departure): CallTarget | undefined
  /** The call to follow, if this async context is that of a tracked request. */
  begin(target: CallTarget): ProviderCall | undefined
}

export type Method = (this: unknown, ...args: unknown[]) => unknown

/**
 * Lets `note` hear what a method of one object is called with, after it has taken it: arguments,
 * return value (back-pressure) and exceptions stay what they are.
 */
export function listenTo(target: object, name: string, note: (args: unknown[]) => void): void {
  const original: unknown = Reflect.get(target, name)
  if (typeof original === 'function') put(target, name, heard(original as Method, note))
}

/** The method, with `note` hearing its arguments after it has taken them. */
export function heard(original: Method, note: (args: unknown[]) => void): Method {
  return function heardCall(this: unknown, ...args: unknown[]): unknown {
    const result = original.apply(this, args)
    try {
      note(args)
    } catch {
      // Observing may fail; what is observed may not.
    }
    return result
  }
}

/** Sets a method that stays out of sight, as those of a prototype do. */
export function put(target: object, name: string, value: Method): void {
  Object.defineProperty(target, name, {
    configurable: true,
    enumerable: false,
    writable: true,
    value,
  })
}

/** Observing may fail; what is observed may not. */
export function quietly<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
