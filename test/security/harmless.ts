import assert from 'node:assert/strict'
import type { Command } from './commands.js'
import { marked, operand } from './hostile.js'

/**
 * Holds that nothing in these commands is a client's but values: no operand of a client's operator, no
 * key of its making, and no name of its that MongoDB would take for a field path.
 */
export function assertHarmless(commands: readonly Command[]): void {
  for (const { name, body } of commands) {
    const complain = (what: string) => {
      assert.fail(`${what}: ${name} ${JSON.stringify(body).slice(0, 2_000)}`)
    }
    for (const [key, value] of members(body)) {
      if (value === operand) complain(`an operand at ${key}`)
      if (key.includes(marked) || foreign.has(key)) complain(`a key ${key}`)
    }
    for (const expression of expressionsOf(body)) {
      for (const [, value] of members(expression)) {
        const isPath = typeof value === 'string' && value.startsWith('$') && value.includes(marked)
        if (isPath) complain(`evaluates ${value}`)
      }
    }
  }
}

/** Keys that nothing of ours has. */
const foreign = new Set(['polluted', '__proto__', '$where', '$regex', '$function', '$_bsontype'])

/** Every key with its value, at any depth; strings in arrays too. */
function* members(value: unknown): Generator<[string, unknown]> {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    // What is literal is not looked at by MongoDB either.
    if (key === '$literal') continue
    yield [key, inner]
    if (!(inner instanceof Date)) yield* members(inner)
  }
}

/** The parts of a command in which MongoDB takes `$name` for a field: stages but $match, pipelines. */
function expressionsOf({ pipeline, update, updates }: Command['body']): unknown[] {
  const stages = Array.isArray(pipeline) ? (pipeline as object[]) : []
  const changes = Array.isArray(updates) ? (updates as { u?: unknown }[]).map(({ u }) => u) : []
  return [
    ...stages.filter((stage) => !('$match' in stage)),
    ...[update, ...changes].filter(Array.isArray),
  ]
}
