/** Keys shorter than this are place-holders (`any`, `EMPTY`), which ordinary text may contain. */
const shortestSecret = 7

/**
 * Blots a key out of bytes that pass, wherever the chunks are cut: as it is, and as JSON and URLs
 * spell it. The length stays the same. Holds back only an end that may be a key's beginning.
 */
export class Scrubber {
  readonly #needles: readonly Buffer[]
  #held: Buffer = Buffer.alloc(0)

  constructor(key: string | undefined) {
    this.#needles = needlesOf(key).map((form) => Buffer.from(form))
  }

  push(chunk: Buffer): Buffer {
    if (this.#needles.length === 0) return chunk
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const clean = this.#blot(bytes)
    const keep = Math.max(...this.#needles.map((needle) => overlap(clean, needle)))
    this.#held = clean.subarray(clean.length - keep)
    return clean.subarray(0, clean.length - keep)
  }

  end(): Buffer {
    const rest = this.#held
    this.#held = Buffer.alloc(0)
    return rest
  }

  #blot(bytes: Buffer): Buffer {
    let clean = bytes
    for (const needle of this.#needles) {
      let at = clean.indexOf(needle)
      if (at !== -1 && clean === bytes) clean = Buffer.from(bytes)
      for (; at !== -1; at = clean.indexOf(needle, at)) clean.fill('*', at, at + needle.length)
    }
    return clean
  }
}

/** The same for a header's value. */
export function scrubText(text: string, key: string | undefined): string {
  return needlesOf(key).reduce(
    (clean, form) => clean.replaceAll(form, '*'.repeat(form.length)),
    text,
  )
}

function needlesOf(key: string | undefined): string[] {
  if (key === undefined || key.length < shortestSecret) return []
  const escaped = JSON.stringify(key).slice(1, -1)
  return [...new Set([key, escaped, escaped.replaceAll('/', '\\/'), encodeURIComponent(key)])]
}

/** How many of the last bytes are the first of the needle (but not all of it). */
function overlap(bytes: Buffer, needle: Buffer): number {
  const first = needle[0] ?? 0
  let at = bytes.indexOf(first, Math.max(0, bytes.length - needle.length + 1))
  for (; at !== -1; at = bytes.indexOf(first, at + 1)) {
    const length = bytes.length - at
    if (bytes.subarray(at).equals(needle.subarray(0, length))) return length
  }
  return 0
}
