/** Width and height, px. */
export interface ImageSize {
  width: number
  height: number
}

/** How far into a JPEG its frame header is looked for: metadata and thumbnails come first. */
const maxHeaderBytes = 192 * 1024

/**
 * The size that an image's own header tells, from its base64 text (with or without `data:…,` before
 * it); undefined for what is no PNG, JPEG, GIF or WebP. Decodes the beginning only.
 */
export function sizeOfBase64(text: string): ImageSize | undefined {
  const comma = text.startsWith('data:') ? text.indexOf(',', 0) : -1
  const start = comma + 1
  const bytes = Buffer.from(text.slice(start, start + 64), 'base64')
  if (bytes.length < 10) return undefined
  const isJpeg = bytes.readUInt16BE(0) === 0xffd8
  if (!isJpeg) return sizeOfHeader(bytes)
  return sizeOfJpeg(Buffer.from(text.slice(start, start + (maxHeaderBytes * 4) / 3), 'base64'))
}

/** The size in the first bytes of a PNG, GIF or WebP. */
function sizeOfHeader(bytes: Buffer): ImageSize | undefined {
  const magic = bytes.toString('latin1', 0, 4)
  if (magic === '\x89PNG' && bytes.length >= 24) {
    return sized(bytes.readUInt32BE(16), bytes.readUInt32BE(20))
  }
  if (magic === 'GIF8') return sized(bytes.readUInt16LE(6), bytes.readUInt16LE(8))
  return magic === 'RIFF' && bytes.length >= 30 ? sizeOfWebp(bytes) : undefined
}

/** WebP: lossy (VP8), lossless (VP8L) or extended (VP8X). RFC 9649. */
function sizeOfWebp(bytes: Buffer): ImageSize | undefined {
  switch (bytes.toString('latin1', 8, 16)) {
    case 'WEBPVP8X':
      return sized(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1)
    case 'WEBPVP8 ':
      return sized(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff)
    case 'WEBPVP8L': {
      const bits = bytes.readUInt32LE(21)
      return sized((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1)
    }
    default:
      return undefined
  }
}

/** JPEG: the first start-of-frame segment. ITU-T T.81, B.2.2. */
function sizeOfJpeg(bytes: Buffer): ImageSize | undefined {
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes.readUInt8(at) !== 0xff) return undefined
    const marker = bytes.readUInt8(at + 1)
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return sized(bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5))
    // 0xff fills up to a marker.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2)
  }
  return undefined
}

function sized(width: number, height: number): ImageSize | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined
}
