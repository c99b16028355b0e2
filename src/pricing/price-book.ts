import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.js'
import { within } from '../deadline.js'
import { nanoUsd } from '../event.js'
import type { Logger } from '../logger.js'
import type { MaybePromise } from '../maybe-promise.js'
import type { Catalogue, CatalogueModel } from './catalogue.js'
import { ratesAt } from './catalogue-data.js'
import { loadCatalogue } from './load-catalogue.js'
import { candidates } from './model-name.js'
import type { Override } from './override.js'
import { overridesFor } from './override-order.js'
import type { Priced, PricedUsage } from './priced-usage.js'
import type { PricingConfig } from './pricing-options.js'
import { costOf, unchanged, type Factor } from './rates.js'
import { serviceFactor } from './service-tier.js'
import { StoredPrices, type PriceDoor } from './stored-prices.js'

export interface PriceBookOptions {
  readonly overrides: readonly Override[]
  /** Loads the catalogue; undefined: there is none. */
  readonly loadCatalogue: (() => Promise<Catalogue>) | undefined
  /** Where prices are stored; undefined: nowhere. */
  readonly door: PriceDoor | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/** How long an event waits for the catalogue; one that comes later serves the events after, ms. */
const loadMs = 5_000

/** What has been found out about a model, to be used for the next operation as well. */
interface Sheet {
  readonly overrides: readonly Override[]
  readonly model: CatalogueModel | undefined
  /** Undefined: it was served in a way that has no published price. */
  readonly factor: Factor | undefined
}

/** Providers, models and service tiers remembered at once. */
const sheets = 2_000

/**
 * What usage costs: what the provider says, else the host's own price, else the catalogue's, else
 * unknown. Reads nothing until it is asked.
 */
export class PriceBook {
  readonly #options: PriceBookOptions
  readonly #stored: StoredPrices | undefined
  readonly #sheets = new LRUCache<string, Sheet>({ max: sheets })
  #catalogue: Catalogue | undefined
  #loading: Promise<void> | undefined
  #isLoaded: boolean

  constructor(options: PriceBookOptions) {
    const { door, clock, logger } = options
    this.#options = options
    this.#isLoaded = options.loadCatalogue === undefined
    this.#stored = door && new StoredPrices(door, clock, logger, () => this.#sheets.clear())
  }

  /** To be waited for before `price`: what it needs is there, or is known not to come. Never rejects. */
  ready(): MaybePromise<void> {
    const stored = this.#stored?.ready()?.then(() => undefined)
    if (this.#isLoaded) return stored
    this.#loading ??= this.#load()
    return Promise.all([stored, this.#loading]).then(() => undefined)
  }

  /** Makes everything ready, however long it takes. Rejects where prices would be missing. */
  async load(): Promise<void> {
    this.#catalogue = await this.#options.loadCatalogue?.()
    this.#isLoaded = true
    await this.#stored?.load()
    this.#sheets.clear()
  }

  /** Looks at the stored prices now, so that a change made here holds here at once. */
  async refresh(): Promise<void> {
    await this.#stored?.refresh()
  }

  /**
   * What usage cost at a moment; `context` is the prompt size that chooses the tier. Costs a look-up
   * and a few multiplications.
   */
  price(usage: PricedUsage, at: Date, context = usage.input_tokens): Priced {
    const reported = nanoUsd(usage.cost_usd)
    if (reported !== undefined) return { cost_nano_usd: reported, cost_source: 'provider' }
    if (usage.model === undefined) return { cost_nano_usd: null }
    return this.#priceBySheet(usage, at, this.#sheetOf(usage, usage.model), context)
  }

  /** The same for a sum over operations, whose prompts were each small: the prices of their first tier. */
  priceSum(usage: PricedUsage, at: Date): Priced {
    if (usage.model === undefined) return { cost_nano_usd: null }
    return this.#priceBySheet(usage, at, this.#sheetOf(usage, usage.model), 0)
  }

  #priceBySheet(usage: PricedUsage, at: Date, sheet: Sheet, context: number): Priced {
    const now = at.getTime()
    const listed = sheet.model && ratesAt(sheet.model.rates, at)
    for (const { from, to, rates, service_tier } of sheet.overrides) {
      if (now < from || now >= to) continue
      const cost =
        service_tier === undefined
          ? sheet.factor && costOf(usage, rates, sheet.factor, context, listed)
          : costOf(usage, rates, unchanged, context, listed)
      if (cost !== undefined && cost !== null)
        return { cost_nano_usd: cost, cost_source: 'override' }
    }
    const cost = listed && sheet.factor && costOf(usage, listed, sheet.factor, context)
    if (cost === undefined || cost === null) return { cost_nano_usd: null }
    return { cost_nano_usd: cost, cost_source: 'catalogue' }
  }

  #sheetOf(usage: PricedUsage, model: string): Sheet {
    const key = `${usage.provider ?? ''}\0${model}\0${usage.service_tier ?? ''}`
    const known = this.#sheets.get(key)
    if (known !== undefined) return known
    const found = this.#catalogue?.find(usage.provider, model)
    const [where] = candidates(usage.provider, model)
    const sheet = {
      overrides: overridesFor(usage, this.#stored?.overrides ?? [], this.#options.overrides),
      model: found,
      factor: serviceFactor(
        found?.provider ?? where?.provider,
        where?.model ?? model,
        usage.service_tier,
      ),
    }
    this.#sheets.set(key, sheet)
    return sheet
  }

  /** One that comes too late is not waited for again, and prices from then on. */
  async #load(): Promise<void> {
    await within(this.#tryToLoad(), loadMs)
    this.#isLoaded = true
  }

  async #tryToLoad(): Promise<void> {
    try {
      this.#catalogue = await this.#options.loadCatalogue?.()
      this.#sheets.clear()
    } catch (error) {
      this.#options.logger.error(
        `usage: the price catalogue cannot be loaded, its prices are unknown: ${String(error)}`,
      )
    }
  }
}

/** The price book of a configuration. */
export function createPriceBook(
  { pricing, clock, logger }: { pricing: PricingConfig; clock: Clock; logger: Logger },
  door: PriceDoor | undefined,
): PriceBook {
  const { overrides, catalogue, catalogueFile } = pricing
  const load = catalogue ? () => loadCatalogue(catalogueFile, logger) : undefined
  return new PriceBook({ overrides, loadCatalogue: load, door, clock, logger })
}
