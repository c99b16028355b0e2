/** What `countText` needs of a byte-pair encoder. */
export interface Encoder {
  /** Encodes without looking for special tokens (`encode_ordinary`). */
  encode(text: string): Uint32Array
  /** Length of one token in UTF-8 bytes. */
  byteLength(token: number): number
}

/** Longest text handed to the encoder at once, UTF-16 code units. */
const maxSliceLength = 8192
/**
 * Longest run handed to the encoder at once, as its cost grows with the square of a run, and how much of
 * it is encoded again with what follows: merges near a cut differ from those in the whole text, by
 * about a token. UTF-8 bytes.
 */
interface Window {
  maxRunBytes: number
  overlapBytes: number
}
/** Tokens with letters or beyond ASCII have up to 61 bytes. */
const wordWindow: Window = { maxRunBytes: 192, overlapBytes: 64 }
/** Tokens of spaces or of symbols have up to 128. */
const fillWindow: Window = { maxRunBytes: 384, overlapBytes: 128 }

const space = 1
const letter = 2
const symbol = 4
const digit = 8
/** Beyond ASCII: not told apart, so that no two versions of Unicode's tables can disagree. */
const anyClass = space | letter | symbol | digit

/** The classes that the encoders' patterns split ASCII on; a piece never joins two of them. */
const asciiClasses = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/\s/.test(character)) return space
  if (/[a-z]/i.test(character)) return letter
  return /\d/.test(character) ? digit : symbol
})

function utf8Length(code: number): number {
  if (code < 0x80) return 1
  if (code < 0x800) return 2
  return code < 0x10000 ? 3 : 4
}

/**
 * Where the slice that begins at `start` ends. There is no overlap where the whole text's tokens have a
 * boundary: at its end, or before a space that follows something else than white space.
 */
function sliceEnd(text: string, start: number): { end: number; overlapBytes: number } {
  const limit = Math.min(text.length, start + maxSliceLength)
  let lastClean = start
  let runClass = 0
  let runBytes = 0
  let isAfterAscii = false
  let index = start
  while (index < limit) {
    const code = text.codePointAt(index) ?? 0
    const own = asciiClasses[code] ?? anyClass
    const common = own & runClass
    if (common === 0) {
      if (code === 0x20 && isAfterAscii) lastClean = index
      runClass = own
      runBytes = utf8Length(code)
    } else {
      runClass = common
      runBytes += utf8Length(code)
      // Digits are split in threes: their runs cost nothing.
      const { maxRunBytes, overlapBytes } = (common & letter) === 0 ? fillWindow : wordWindow
      if (runBytes > maxRunBytes && common !== digit) return { end: index, overlapBytes }
    }
    isAfterAscii = code < 0x80
    index += code > 0xffff ? 2 : 1
  }
  if (index >= text.length) return { end: text.length, overlapBytes: 0 }
  if (lastClean > start) return { end: lastClean, overlapBytes: 0 }
  return { end: index, overlapBytes: fillWindow.overlapBytes }
}

/** Index of the character that starts `bytes` before `end`, or undefined when that is inside one. */
function stepBack(text: string, end: number, bytes: number): number | undefined {
  let index = end
  let left = bytes
  while (left > 0) {
    index -= 1
    const unit = text.charCodeAt(index)
    const isPair = unit >= 0xdc00 && unit <= 0xdfff && (text.codePointAt(index - 1) ?? 0) > 0xffff
    if (isPair) index -= 1
    left -= isPair ? 4 : utf8Length(unit)
  }
  return left === 0 ? index : undefined
}

/** Tokens from `start` on that stand whatever follows, and where the next slice starts. */
function settled(encoder: Encoder, text: string, start: number) {
  const { end, overlapBytes } = sliceEnd(text, start)
  const tokens = encoder.encode(text.slice(start, end))
  if (overlapBytes === 0) return { count: tokens.length, next: end }
  let kept = tokens.length
  let dropped = 0
  while (kept > 1) {
    kept -= 1
    dropped += encoder.byteLength(tokens[kept] ?? 0)
    const next = dropped >= overlapBytes ? stepBack(text, end, dropped) : undefined
    if (next !== undefined && next > start) return { count: kept, next }
  }
  return { count: tokens.length, next: end }
}

/**
 * Yields the token counts of consecutive slices of `text`, each a few milliseconds' work at most
 * whatever the text is. Their sum is what the encoder gives for the whole text: the slices end where
 * the whole text has a token boundary. Lone surrogates count as U+FFFD, as in UTF-8.
 */
export function* countSlices(encoder: Encoder, text: string): Generator<number, void, undefined> {
  let start = 0
  while (start < text.length) {
    const { count, next } = settled(encoder, text, start)
    yield count
    start = next
  }
}

/** Tokens of `text`; 0 for anything but a string, which would crash the encoder. */
export function countText(encoder: Encoder, text: unknown): number {
  if (typeof text !== 'string') return 0
  let total = 0
  for (const count of countSlices(encoder, text)) total += count
  return total
}
