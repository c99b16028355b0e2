import { get_encoding, type Tiktoken } from 'tiktoken'

/** Longer texts are counted as a quarter of their characters. */
const EXACT_CHARACTERS = 8192

/** tiktoken takes quadratic time on long runs of one character class. */
const LONG_RUN = /\p{L}{256}|\p{N}{256}|\s{256}|[^\p{L}\p{N}\s]{256}/gu

/** Part of a text and how many tokens it takes. */
export interface Piece {
  readonly text: string
  readonly tokens: number
}

// Loading takes half a second and 80 MB, so every simulator of a process shares one.
let shared: Tiktoken | undefined

/** Loads the tokenizer, so that the first request need not wait for it. */
export function warmUp(): void {
  encode('')
}

function encode(text: string): number[] {
  shared ??= get_encoding('o200k_base')
  const ids: number[] = []
  let start = 0
  for (const run of text.matchAll(LONG_RUN)) {
    const end = run.index + run[0].length
    ids.push(...shared.encode_ordinary(text.slice(start, end)))
    start = end
  }
  ids.push(...shared.encode_ordinary(text.slice(start)))
  return ids
}

/** Tokens of `text` in o200k_base; beyond 8,192 characters, characters / 4. */
export function countTokens(text: string): number {
  if (text.length > EXACT_CHARACTERS) return Math.ceil(text.length / 4)
  return encode(text).length
}

/** The text token by token; characters that span several tokens stay whole. */
export function tokenPieces(text: string): Piece[] {
  const decoder = new TextDecoder()
  const pieces: Piece[] = []
  let waiting = 0
  for (const id of encode(text)) {
    waiting += 1
    const decoded = decoder.decode(shared?.decode_single_token_bytes(id), { stream: true })
    if (decoded === '') continue
    pieces.push({ text: decoded, tokens: waiting })
    waiting = 0
  }
  return pieces
}

/** The beginning of `text` that takes about `tokens` tokens, counted as {@link countTokens} does. */
export function headOfTokens(text: string, tokens: number): string {
  if (text.length > EXACT_CHARACTERS) return text.slice(0, tokens * 4)
  const ids = Uint32Array.from(encode(text).slice(0, tokens))
  return new TextDecoder().decode(shared?.decode(ids))
}
