import { crc32 } from 'node:zlib'

/**
 * A frame is 12 bytes of header and a payload of UTF-8 JSON:
 *
 *     0  magic, 4 bytes; the first never occurs in UTF-8, so no payload can hold it
 *     4  CRC-32 of all that follows, big endian like the rest
 *     8  kind, 1 byte
 *     9  length of the payload, 3 bytes
 *    12  payload
 *
 * Whoever loses the thread finds the next frame by its magic and proves it by its checksum.
 */
export type FrameKind = 'event' | 'start' | 'cancel'

/** A good frame. Offsets are into the bytes it was read from; the payload ends at `to`. */
export interface Frame {
  readonly kind: FrameKind
  readonly from: number
  readonly payload: number
  readonly to: number
}

/** Bytes that are no frame. `torn` is a frame whose end was never written. */
export interface Damage {
  readonly kind: 'torn' | 'damaged'
  readonly from: number
  readonly to: number
}

export const headerBytes = 12
/** A payload that is longer is not spooled. */
export const maxPayloadBytes = 1024 * 1024

const magicNumber = 0xff_41_55_01
const magic = Buffer.from([0xff, 0x41, 0x55, 0x01])
const codes = { event: 1, start: 2, cancel: 3 } as const
const kinds: readonly (FrameKind | undefined)[] = [undefined, 'event', 'start', 'cancel']

/** Writes a frame and answers where it ends; there must be room for three bytes a character. */
export function writeFrame(into: Buffer, at: number, kind: FrameKind, text: string): number {
  const payload = at + headerBytes
  const to = payload + into.write(text, payload, 'utf8')
  into.writeUInt32BE(magicNumber, at)
  into.writeUInt32BE(codes[kind] * 0x1_00_00_00 + (to - payload), at + 8)
  into.writeUInt32BE(crc32(into.subarray(at + 8, to)), at + 4)
  return to
}

/** The good frame that begins here, if one does. */
function frameAt(bytes: Buffer, at: number): Frame | undefined {
  const payload = at + headerBytes
  if (payload > bytes.length || bytes.readUInt32BE(at) !== magicNumber) return undefined
  const kind = kinds[bytes.readUInt8(at + 8)]
  const to = payload + bytes.readUIntBE(at + 9, 3)
  if (kind === undefined || to > bytes.length || to - payload > maxPayloadBytes) return undefined
  // No payload holds a magic: looking for one keeps beginnings that lie from being summed up again and again.
  const next = bytes.indexOf(magic, payload)
  if (next !== -1 && next < to) return undefined
  if (crc32(bytes.subarray(at + 8, to)) !== bytes.readUInt32BE(at + 4)) return undefined
  return { kind, from: at, payload, to }
}

/** From the magic at or before an offset to the next one behind it: the frame that was there, if any. */
export function stretchAt(bytes: Buffer, at: number): { from: number; to: number } {
  const next = bytes.indexOf(magic, at + 1)
  const to = next === -1 ? bytes.length : next
  return { from: Math.max(0, bytes.lastIndexOf(magic, at)), to }
}

/** All frames, and all bytes between them that are none. Reads on after damage; throws never. */
export function* framesIn(bytes: Buffer): Generator<Frame | Damage, void> {
  let at = 0
  while (at < bytes.length) {
    const frame = frameAt(bytes, at)
    if (frame !== undefined) {
      yield frame
      at = frame.to
      continue
    }
    const next = nextGood(bytes, at + 1)
    const torn = next === undefined && isTorn(bytes, at)
    yield { kind: torn ? 'torn' : 'damaged', from: at, to: next ?? bytes.length }
    at = next ?? bytes.length
  }
}

function nextGood(bytes: Buffer, from: number): number | undefined {
  for (let at = bytes.indexOf(magic, from); at !== -1; at = bytes.indexOf(magic, at + 1)) {
    if (frameAt(bytes, at) !== undefined) return at
  }
  return undefined
}

/** The beginning of a frame, or zeros: what a file ends with whose last write was cut short. */
function isTorn(bytes: Buffer, at: number): boolean {
  const rest = bytes.subarray(at)
  if (rest.every((byte) => byte === 0)) return true
  const head = Math.min(rest.length, magic.length)
  if (!rest.subarray(0, head).equals(magic.subarray(0, head))) return false
  return rest.length < headerBytes || headerBytes + rest.readUIntBE(9, 3) > rest.length
}

export function isFrame(one: Frame | Damage): one is Frame {
  return 'payload' in one
}

/** The JSON of a frame's payload; undefined if it is none. */
export function payloadOf(bytes: Buffer, frame: Frame): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', frame.payload, frame.to))
  } catch {
    return undefined
  }
}
