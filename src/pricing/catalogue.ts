import { candidates } from './model-name.js'
import {
  ratesOfModel,
  type Match,
  type ModelData,
  type ProviderData,
  type TimedRates,
} from './catalogue-data.js'

/** A model of the catalogue. */
export interface CatalogueModel {
  /** The provider, as the catalogue calls it. */
  readonly provider: string
  readonly id: string
  readonly rates: readonly TimedRates[]
}

/** Reads a provider's data; undefined when there is none of that name, or it is no such data. */
export type ReadProvider = (id: string) => ProviderData | undefined

/** The catalogue's models, to be found by the names they go by in answers. */
export class Catalogue {
  readonly #read: ReadProvider
  readonly #providers = new Map<string, ProviderData>()

  /** A provider is read when it is first asked for. */
  constructor(read: ReadProvider) {
    this.#read = read
  }

  /** Looks a model up; undefined when it is not known, or its provider is not. Costs a scan. */
  find(provider: string | undefined, model: string): CatalogueModel | undefined {
    for (const candidate of candidates(provider, model)) {
      const name = candidate.model.toLowerCase().trim()
      const found =
        this.#findIn(candidate.provider, name) ??
        this.#findIn(candidate.provider, withDashedDate(name))
      if (found !== undefined) {
        return { provider: candidate.provider, id: found.id, rates: ratesOfModel(found) }
      }
    }
    return undefined
  }

  #findIn(providerId: string, name: string): ModelData | undefined {
    const provider = this.#provider(providerId)
    if (provider === undefined) return undefined
    const own = provider.models.find((model) => matches(model.match, name))
    if (own !== undefined) return own
    for (const id of provider.fallback_model_providers ?? []) {
      const other = this.#provider(id)?.models.find((model) => matches(model.match, name))
      if (other !== undefined) return other
    }
    return undefined
  }

  #provider(id: string): ProviderData | undefined {
    const known = this.#providers.get(id)
    if (known !== undefined) return known
    const found = this.#read(id)
    // Names that are not in the catalogue come from outside, and could be endless.
    if (found !== undefined) this.#providers.set(id, found)
    return found
  }
}

/** `claude-opus-4-1-20250805` as some entries write it: `…-2025-08-05`. */
function withDashedDate(name: string): string {
  return name.replace(/-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g, '-$1-$2-$3')
}

function matches(match: Match, name: string): boolean {
  if ('or' in match) return match.or.some((one) => matches(one, name))
  if ('and' in match) return match.and.every((one) => matches(one, name))
  if ('equals' in match) return name === match.equals.toLowerCase()
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase())
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase())
  if ('contains' in match) return name.includes(match.contains.toLowerCase())
  return new RegExp(match.regex).test(name)
}
