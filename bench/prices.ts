import { systemClock } from '../src/clock.js'
import { consoleLogger } from '../src/logger.js'
import { createPriceBook } from '../src/pricing/price-book.js'

/** CPU that pricing adds to an event, once the catalogue is loaded: `node --import tsx bench/prices.ts`. */
const rounds = 3
const events = 1_000_000

const pricing = { overrides: [], catalogue: true }
const book = createPriceBook({ pricing, clock: systemClock, logger: consoleLogger }, undefined)
const began = performance.now()
await book.load()
console.log(`loading the catalogue: ${(performance.now() - began).toFixed(0)} ms, once`)

const models = [
  ['openai', 'gpt-4o-mini-2024-07-18'],
  ['anthropic', 'claude-opus-4-1-20250805'],
  ['google', 'gemini-2.5-pro'],
  ['openai', 'no-such-model'],
] as const
const tokens = { input_tokens: 1117, output_tokens: 246, cache_read_tokens: 512 }
const usages = models.map(([provider, model]) => ({ provider, model, ...tokens }))
const at = new Date()
for (let round = 1; round <= rounds; round++) {
  const before = process.cpuUsage()
  for (let i = 0; i < events; i++) {
    const usage = usages[i % usages.length]
    if (usage && book.ready() === undefined) book.price(usage, at)
  }
  const { user, system } = process.cpuUsage(before)
  console.log(`round ${round}: ${((user + system) / events).toFixed(2)} µs per event`)
}
