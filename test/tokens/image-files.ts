/** The beginnings of image files, as far as a reader of their size looks. */

export function png(width: number, height: number): Buffer {
  const header = Buffer.alloc(33)
  header.write('\x89PNG\r\n\x1a\n', 0, 'latin1')
  header.writeUInt32BE(13, 8)
  header.write('IHDR', 12, 'latin1')
  header.writeUInt32BE(width, 16)
  header.writeUInt32BE(height, 20)
  return header
}

export function gif(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.write('GIF89a', 0, 'latin1')
  header.writeUInt16LE(width, 6)
  header.writeUInt16LE(height, 8)
  return header
}

/** With an EXIF segment of this many bytes before the frame header. */
export function jpeg(width: number, height: number, exifBytes = 16): Buffer {
  const exif = Buffer.alloc(2 + exifBytes, 0x11)
  exif.writeUInt16BE(0xffe1, 0)
  exif.writeUInt16BE(exifBytes, 2)
  const frame = Buffer.alloc(19)
  frame.writeUInt16BE(0xffc2, 0)
  frame.writeUInt16BE(17, 2)
  frame.writeUInt8(8, 4)
  frame.writeUInt16BE(height, 5)
  frame.writeUInt16BE(width, 7)
  return Buffer.concat([Buffer.from([0xff, 0xd8]), exif, frame])
}

/** RFC 9649: lossy, lossless and extended. */
export function webp(kind: 'VP8 ' | 'VP8L' | 'VP8X', width: number, height: number): Buffer {
  const file = Buffer.alloc(40)
  file.write(`RIFF\x20\0\0\0WEBP${kind}`, 0, 'latin1')
  if (kind === 'VP8X') {
    file.writeUIntLE(width - 1, 24, 3)
    file.writeUIntLE(height - 1, 27, 3)
  } else if (kind === 'VP8L') {
    file.writeUInt8(0x2f, 20)
    file.writeUInt32LE((((height - 1) << 14) | (width - 1)) >>> 0, 21)
  } else {
    file.writeUInt16LE(width, 26)
    file.writeUInt16LE(height, 28)
  }
  return file
}
