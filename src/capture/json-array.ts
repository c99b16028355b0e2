const quote = 0x22
const backslash = 0x5c
const openers = new Set([0x5b, 0x7b])
const closers = new Set([0x5d, 0x7d])

/**
 * The complete objects of a JSON array that was cut in the middle, as texts: Gemini without
 * `alt=sse` streams one. One pass; what is no array of objects gives none.
 */
export function completeElements(text: string): string[] {
  const elements: string[] = []
  let depth = 0
  let start = -1
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = stringEnd(text, at)
    else if (openers.has(code)) {
      depth += 1
      if (depth === 2) start = at
    } else if (closers.has(code)) {
      depth -= 1
      if (depth === 1 && start !== -1) elements.push(text.slice(start, at + 1))
      if (depth <= 0) break
    }
  }
  return elements
}

/** Where the string that begins at `start` ends; brackets in it do not count. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code === backslash) at += 1
  }
  return text.length
}
