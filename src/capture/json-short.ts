import { parseJson, type Json } from './json.js'

/** Kept of both ends, bytes: what stands before an answer's text, and its figures behind it. */
const openingBytes = 512
const closingBytes = 1024
/** Bodies shorter than this are not worth it, bytes. */
const worthBytes = 2 * (openingBytes + closingBytes)
const quote = 0x22
const backslash = 0x5c
/** Quotes within the text that are looked at before it is given up. */
const maxQuotes = 64

/**
 * What a long JSON text says but for the middle of its longest string; undefined where it is no such
 * text. To parse both ends costs the same however long an answer is. They are the same value with a
 * shorter string (or with fewer numbers, in a vector): no other member can be lost, since each has
 * quotes of its own, and between the ends there are none but escaped ones.
 */
export function shortened(body: Buffer): Json | undefined {
  if (body.length < worthBytes) return undefined
  const [from, to] = [openingBytes, body.length - closingBytes]
  // Neither cut may part an escape from what it escapes.
  if (body[from - 1] === backslash || body[to - 1] === backslash) return undefined
  if (hasBareQuote(body, from, to)) return undefined
  return parseJson(body.toString('utf8', 0, from) + body.toString('utf8', to))
}

/** Whether a string begins or ends here; also true where there are many escaped quotes. */
function hasBareQuote(body: Buffer, from: number, to: number): boolean {
  let at = body.indexOf(quote, from)
  for (let quotes = 0; at !== -1 && at < to; at = body.indexOf(quote, at + 1)) {
    let escapes = 0
    while (body[at - 1 - escapes] === backslash) escapes += 1
    if (escapes % 2 === 0 || ++quotes > maxQuotes) return true
  }
  return false
}
