/** A place in a chain. */
export interface Link<T> {
  readonly value: T
  before: Link<T> | undefined
  after: Link<T> | undefined
}

/** A linked list: what stands in it can leave from anywhere at once. */
export class Chain<T> {
  #first: Link<T> | undefined
  #last: Link<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get first(): T | undefined {
    return this.#first?.value
  }

  get last(): T | undefined {
    return this.#last?.value
  }

  /** Puts a value behind the last one that it may stand behind; looks from the end. */
  insert(value: T, mayFollow: (other: T) => boolean): Link<T> {
    let before = this.#last
    while (before !== undefined && !mayFollow(before.value)) before = before.before
    const after = before === undefined ? this.#first : before.after
    const link = { value, before, after }
    if (before === undefined) this.#first = link
    else before.after = link
    if (after === undefined) this.#last = link
    else after.before = link
    this.#size += 1
    return link
  }

  push(value: T): Link<T> {
    return this.insert(value, () => true)
  }

  /** To be called once for a link, on the chain that gave it. */
  remove({ before, after }: Link<T>): void {
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    this.#size -= 1
  }
}
