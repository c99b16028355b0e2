import { put, type Method } from './observer.js'

/**
 * Puts a method over that of a prototype, for all its objects. Answers how to lift it again: where
 * somebody else has put one over it since, theirs stays and calls through to the original.
 */
export function hookMethod(
  prototype: object,
  name: string,
  around: (original: Method) => Method,
): () => void {
  const own = Object.getOwnPropertyDescriptor(prototype, name)
  const original = Reflect.get(prototype, name) as Method
  let current: Method = around(original)
  const hooked: Method = function (this: unknown, ...args: unknown[]): unknown {
    return current.apply(this, args)
  }
  put(prototype, name, hooked)
  return () => {
    current = original
    if (Reflect.get(prototype, name) !== hooked) return
    if (own) Object.defineProperty(prototype, name, own)
    else Reflect.deleteProperty(prototype, name)
  }
}
