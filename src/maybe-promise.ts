/** A value that is here, or will be: what is here is not waited for. */
export type MaybePromise<T> = T | Promise<T>

/** `then` without a detour through the microtask queue when the value is here. */
export function andThen<T, U>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
