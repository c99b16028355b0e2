/** As many as tell where it happened. */
const maxFrames = 8

/**
 * An error for the log: what kind, and where. Without its message, which may quote what a user said:
 * parsers and providers put their input there.
 */
export function faultOf(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`
  const code =
    'code' in error && /^\w{1,64}$/.test(String(error.code)) ? ` ${String(error.code)}` : ''
  const name = error.name.slice(0, 64)
  return [`${name}${code}`, ...framesOf(error)].join(' ')
}

function framesOf({ name, message, stack = '' }: Error): string[] {
  const header = message === '' ? name : `${name}: ${message}`
  // A message of several lines could look like frames; where it cannot be told from them, none are.
  if (!stack.startsWith(header)) return []
  const lines = stack.slice(header.length).split('\n')
  return lines
    .map((line) => line.trim())
    .filter((line) => line.startsWith('at '))
    .slice(0, maxFrames)
}
