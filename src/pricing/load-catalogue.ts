import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import type { Logger } from '../logger.js'
import { bundledTexts } from './bundled-texts.js'
import { Catalogue } from './catalogue.js'
import { providerData, type ProviderData } from './catalogue-data.js'

/**
 * Loads the catalogue: a file that `prices:update` wrote, or what `@pydantic/genai-prices` brings,
 * also where the file cannot be used. Neither is touched before. Rejects when there is none at all.
 */
export async function loadCatalogue(file: string | undefined, logger: Logger): Promise<Catalogue> {
  if (file === undefined) return bundled()
  try {
    return await fromFile(file)
  } catch (error) {
    logger.error(`usage: ${file} cannot be used, the bundled prices are: ${String(error)}`)
    return bundled()
  }
}

/** The package has checked its data when it was made: providers are read when they are needed. */
async function bundled(): Promise<Catalogue> {
  const texts = await bundledTexts()
  return new Catalogue((id) => {
    const text = texts.get(id)
    return text === undefined ? undefined : providerData.safeParse(JSON.parse(text)).data
  })
}

async function fromFile(file: string): Promise<Catalogue> {
  const providers = parseCatalogue(await readFile(file, 'utf8'))
  return new Catalogue((id) => providers.get(id))
}

/**
 * Reads a catalogue as it is published, JSON.
 * @throws Error naming the first thing that does not fit
 */
export function parseCatalogue(text: string): Map<string, ProviderData> {
  const parsed = z.array(providerData).min(1).max(10_000).safeParse(JSON.parse(text))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const where = (issue?.path ?? []).map(String).join('.')
    throw new Error(`not a price catalogue: ${where || 'data'} ${issue?.message ?? 'is invalid'}`)
  }
  return new Map(parsed.data.map((provider) => [provider.id, provider]))
}
