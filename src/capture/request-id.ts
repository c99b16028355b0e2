import { randomFillSync } from 'node:crypto'

/** Asking the system for randomness costs the same for one id as for many. */
const pool = new Uint8Array(10 * 512)
let next = pool.length

const digits = Buffer.from('0123456789abcdef')
/** The id being written: 8-4-4-4-12 digits. */
const text = Buffer.alloc(36, '-')
/** Where each of the 16 bytes stands in it. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]

/** A UUIDv7 of this instant: ids sort by time. https://www.rfc-editor.org/rfc/rfc9562#section-5.7 */
export function requestId(nowMs: number): string {
  if (next === pool.length) {
    randomFillSync(pool)
    next = 0
  }
  const high = Math.floor(nowMs / 0x1_0000)
  put(0, (high / 0x1_00_00_00) & 0xff)
  put(1, (high >>> 16) & 0xff)
  put(2, (high >>> 8) & 0xff)
  put(3, high & 0xff)
  put(4, (nowMs >>> 8) & 0xff)
  put(5, nowMs & 0xff)
  put(6, 0x70 | (random() & 0x0f))
  put(7, random())
  put(8, 0x80 | (random() & 0x3f))
  for (let byte = 9; byte < 16; byte++) put(byte, random())
  return text.toString('latin1')
}

function random(): number {
  return pool[next++] ?? 0
}

function put(byte: number, value: number): void {
  const at = places[byte] ?? 0
  text[at] = digits[value >>> 4] ?? 0
  text[at + 1] = digits[value & 0x0f] ?? 0
}
