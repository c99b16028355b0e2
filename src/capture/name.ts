const printable = /^[^\p{C}\p{Zl}\p{Zp}]+$/u

/** A provider's name for a model or generation: short, printable, or not believed. */
export function name(value: unknown, maxLength = 256): string | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > maxLength) return undefined
  return printable.test(value) ? value : undefined
}
