import { readFileSync } from 'node:fs'

export interface Expected {
  content_type: string
  provider: string | null
  model: string | null
  usage: Record<string, number> | null
  status?: number
  text?: string
  billed_input_tokens?: number
  billed_output_tokens?: number
}

const folder = new URL('../fixtures/providers/', import.meta.url)

export const expected = JSON.parse(
  readFileSync(new URL('expected.json', folder), 'utf8'),
) as Record<string, Expected>

/** A provider's response body, as its client receives it. */
export function payload(name: string): Buffer {
  return readFileSync(new URL(name, folder))
}
