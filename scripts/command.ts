import { parseArgs, type ParseArgsConfig } from 'node:util'
import { dayMs, parseInstant } from '../src/time.js'

/** An error whose message is all that the person at the terminal needs. */
export class CommandError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CommandError'
  }
}

/** Where commands say what they do: progress and warnings to stderr, results to stdout. */
export const terminal = {
  info: (message: string) => console.error(message),
  warn: (message: string) => console.error(message),
  error: (message: string) => console.error(message),
}

/** Runs a command. Its answer is the exit code; what it throws is told on stderr, exit code 1. */
export async function runCommand(command: () => Promise<number> | number): Promise<void> {
  try {
    process.exitCode = await command()
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}

/** `parseArgs` without positionals. Throws CommandError that ends with how to use the command. */
export function parseOptions<T extends NonNullable<ParseArgsConfig['options']>>(
  options: T,
  usage: string,
) {
  try {
    return parseArgs({ options, strict: true, allowPositionals: false }).values
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new CommandError(`${reason ?? ''}.\nUsage: ${usage}`)
  }
}

/** A calendar day as its UTC midnight, epoch ms. Throws CommandError. */
export function parseDay(name: string, text: string): number {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? parseInstant(text, 'UTC') : undefined
  if (day === undefined) {
    throw new CommandError(`--${name} must be a day like 2026-01-31, it is ${JSON.stringify(text)}`)
  }
  return day.getTime()
}

/** The UTC days from one day up to another, without the latter. Throws CommandError. */
export function daysBetween(from: number, to: number): number[] {
  if (from >= to) throw new CommandError('--to must be after --from: it is the first day left out')
  const days: number[] = []
  for (let day = from; day < to; day += dayMs) days.push(day)
  return days
}

/** A whole number within bounds. Throws CommandError. */
export function parseCount(name: string, text: string, min: number, max: number): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(count >= min && count <= max)) {
    const range = `a whole number from ${min} to ${max}`
    throw new CommandError(`--${name} must be ${range}, it is ${JSON.stringify(text)}`)
  }
  return count
}

export function dayName(instant: number | Date): string {
  return new Date(instant).toISOString().slice(0, 10)
}
