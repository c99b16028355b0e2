import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { BilledCall, Fault, Simulator } from '../../scripts/simulator/index.js'

export function openaiClient({ baseUrls }: Simulator): OpenAI {
  return new OpenAI({ apiKey: 'any', baseURL: baseUrls.openai, maxRetries: 0, logLevel: 'off' })
}

export function openrouterClient({ baseUrls }: Simulator): OpenAI {
  return new OpenAI({ apiKey: 'any', baseURL: baseUrls.openrouter, maxRetries: 0, logLevel: 'off' })
}

export function anthropicClient({ baseUrls }: Simulator): Anthropic {
  return new Anthropic({
    apiKey: 'any',
    authToken: null,
    baseURL: baseUrls.anthropic,
    maxRetries: 0,
    logLevel: 'off',
  })
}

/** Request options that ask for a fault. */
export function fault(name: Fault) {
  return { headers: { 'x-simulator-fault': name } }
}

/** The only call on the invoice. */
export function onlyCall(simulator: Simulator): BilledCall {
  const [call, ...more] = simulator.billed()
  assert.ok(call)
  assert.equal(more.length, 0)
  return call
}

/** The only call, waited for until the simulator has noticed that its client left. */
export async function settledCall(simulator: Simulator): Promise<BilledCall> {
  for (let tries = 0; tries < 200 && simulator.billed().length === 0; tries += 1) {
    await setTimeout(10)
  }
  return onlyCall(simulator)
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** English of about `words` words, so of more tokens than that. */
export function longText(words: number): string {
  return Array.from({ length: words }, (_, index) => `word${index % 97}`).join(' ')
}
