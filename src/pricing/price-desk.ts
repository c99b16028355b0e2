import { v7 as uuidv7 } from 'uuid'
import { UsageError } from '../errors.js'
import type { Store } from '../store/store.js'
import { moved, retryMoved } from '../retry-moved.js'
import type { StoredPrice } from '../store/price-store.js'
import { parseNewPrice, parsePriceChange } from './price-input.js'

type Door = Pick<Store, 'prices' | 'audit'> & { db: Pick<Store['db'], 'serverNow'> }

/** Keeps the stored prices: every change is checked, audited, and in use here at once. */
export class PriceDesk {
  readonly #store: Door
  readonly #onChange: () => Promise<void>

  constructor(store: Door, onChange: () => Promise<void>) {
    this.#store = store
    this.#onChange = onChange
  }

  /**
   * Adds a price that holds from now on, or as it says.
   * @throws UsageError `invalid_price`, or `conflict` with one that holds in the same period
   */
  async create(input: unknown, actor: string): Promise<StoredPrice> {
    const now = await this.#store.db.serverNow()
    const { subject, fields } = parseNewPrice(input, now)
    const id = uuidv7({ msecs: now.getTime() })
    const stamps = { created_at: now, created_by: actor, updated_at: now, updated_by: actor }
    const price = { id, ...fields, ...stamps, revision: 1 }
    const stored = { ...subject, ...price }
    const entry = { ...audited(actor, 'create', id), after: { ...stored } }
    await this.#store.audit.during(entry, () => this.#store.prices.add(subject, price))
    await this.#onChange()
    return stored
  }

  /**
   * Changes what a price is or when it holds; null takes an optional field away.
   * @throws UsageError `not_found`, `invalid_price` or `conflict`
   */
  async change(id: string, input: unknown, actor: string): Promise<StoredPrice> {
    return this.#retry(async () => {
      const before = await this.#find(id)
      const fields = parsePriceChange(input, before)
      const updated_at = await this.#store.db.serverNow()
      const { created_at, created_by } = before
      const stamps = { created_at, created_by, updated_at, updated_by: actor }
      const price = { id, ...fields, ...stamps, revision: before.revision + 1 }
      const subject = subjectOf(before)
      const after = { ...subject, ...price }
      const entry = { ...audited(actor, 'update', id), before: { ...before }, after: { ...after } }
      await this.#store.audit.during(entry, async () => {
        if (!(await this.#store.prices.change(subject, price, before.revision)))
          throw moved('The price')
      })
      return after
    })
  }

  /** Removes a price. @throws UsageError `not_found` */
  async remove(id: string, actor: string): Promise<StoredPrice> {
    return this.#retry(async () => {
      const before = await this.#find(id)
      const entry = { ...audited(actor, 'delete', id), before: { ...before } }
      await this.#store.audit.during(entry, async () => {
        const removed = await this.#store.prices.remove(subjectOf(before), id, before.revision)
        if (!removed) throw moved('The price')
      })
      return before
    })
  }

  async #find(id: string): Promise<StoredPrice> {
    const found = await this.#store.prices.find(id)
    if (found === undefined) throw new UsageError('not_found', 'There is no such price')
    return found
  }

  async #retry(attempt: () => Promise<StoredPrice>): Promise<StoredPrice> {
    const done = await retryMoved(attempt)
    await this.#onChange()
    return done
  }
}

function audited(actor: string, verb: string, id: string) {
  return { actor, action: `price.${verb}`, resource: 'price', resource_id: id }
}

function subjectOf({ provider, model, service_tier }: StoredPrice) {
  return {
    ...(provider !== undefined && { provider }),
    model,
    ...(service_tier !== undefined && { service_tier }),
  }
}
