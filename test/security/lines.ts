/** A logger that keeps what it is told. */
export function keptLines() {
  const lines: string[] = []
  const keep = (message: string) => void lines.push(message)
  return { lines, logger: { info: keep, warn: keep, error: keep } }
}
