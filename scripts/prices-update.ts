import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { REMOTE_DATA_JSON_URL } from '@pydantic/genai-prices'
import { parseCatalogue } from '../src/pricing/load-catalogue.js'
import { CommandError, parseOptions, runCommand } from './command.js'

const usage = 'npm run prices:update -- [--out ./data/prices.json]   (or AI_USAGE_PRICES_FILE)'
const defaultFile = './data/prices.json'
const deadlineMs = 30_000

/** Larger answers are no catalogue. */
const maxBytes = 64 * 1024 * 1024

async function update(): Promise<number> {
  const { out } = parseOptions({ out: { type: 'string' } }, usage)
  const file = out ?? process.env.AI_USAGE_PRICES_FILE ?? defaultFile
  const url = process.env.AI_USAGE_PRICES_URL ?? REMOTE_DATA_JSON_URL
  const text = await fetchText(url)
  const models = count(text, url)
  await mkdir(path.dirname(file), { recursive: true })
  // Whoever reads the file meanwhile reads the old one or the new one, whole.
  await writeFile(`${file}.part`, text)
  await rename(`${file}.part`, file)
  console.log(`${file}: prices of ${models} models. Use it with pricing.catalogueFile.`)
  return 0
}

async function fetchText(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(deadlineMs) })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const text = await response.text()
    if (text.length > maxBytes) throw new Error('the answer is too large')
    return text
  } catch (error) {
    throw failure('could not be fetched', error)
  }
}

function count(text: string, url: string): number {
  try {
    return [...parseCatalogue(text).values()].reduce((sum, { models }) => sum + models.length, 0)
  } catch (error) {
    throw failure(`from ${url} cannot be used`, error)
  }
}

function failure(what: string, error: unknown): CommandError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CommandError(
    `The price catalogue ${what}: ${reason}. What was in use stays in use; nothing was written.`,
  )
}

await runCommand(update)
