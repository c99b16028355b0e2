/** A value that is here, or will be: what is here is not waited for. */
export type MaybePromise<T> = T | Promise<T>

/** `then` without a detour through the microtask queue when the value is here. */
export function andThen<T, U>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** `Promise.all` that answers at once when all values are here. */
export function allOf<T>(values: readonly MaybePromise<T>[]): MaybePromise<T[]> {
  const here: T[] = []
  for (const value of values) {
    if (value instanceof Promise) return Promise.all(values.map((each) => Promise.resolve(each)))
    here.push(value)
  }
  return here
}
