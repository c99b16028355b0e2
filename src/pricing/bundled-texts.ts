import { createRequire } from 'node:module'
import type * as Prices from '@pydantic/genai-prices'

/**
 * What `@pydantic/genai-prices` brings: of each provider, by its id, the data that is used, JSON. Takes
 * some 20 ms. As a module the package would stay in memory for good, with 5 MB; it is let go again,
 * unless somebody else had it already.
 */
export async function bundledTexts(): Promise<Map<string, string>> {
  const load = createRequire(import.meta.url)
  const path = load.resolve('@pydantic/genai-prices')
  const isOurs = load.cache[path] === undefined
  const { waitForUpdate } = load(path) as typeof Prices
  if (isOurs) Reflect.deleteProperty(load.cache, path)
  const texts = new Map<string, string>()
  for (const { id, models, fallback_model_providers } of (await waitForUpdate()) ?? []) {
    const used = models.map((model) => ({ id: model.id, match: model.match, prices: model.prices }))
    texts.set(id, JSON.stringify({ id, models: used, fallback_model_providers }))
  }
  return texts
}
