/** What a body is kept in. */
export type Chunk = string | Buffer

function bytesOf(chunk: Chunk): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}

export function joined(chunks: readonly Chunk[]): Buffer {
  const buffers = chunks.map(bytesOf)
  return buffers.length === 1 && buffers[0] ? buffers[0] : Buffer.concat(buffers)
}

/** So many of the first bytes, or all there are. */
export function firstBytes(chunks: readonly Chunk[], length: number): Buffer {
  const first: Buffer[] = []
  let missing = length
  for (const bytes of chunks) {
    if (missing <= 0) break
    const piece =
      typeof bytes === 'string' ? Buffer.from(bytes.slice(0, missing)) : bytes.subarray(0, missing)
    first.push(piece)
    missing -= piece.length
  }
  return Buffer.concat(first).subarray(0, length)
}

/** So many of the last bytes as text, or all there are; a character that is cut becomes a replacement. */
export function lastText(chunks: readonly Chunk[], length: number): string {
  const last: Buffer[] = []
  let missing = length
  for (let at = chunks.length - 1; at >= 0 && missing > 0; at--) {
    const chunk = chunks[at]
    if (chunk === undefined) break
    const bytes = bytesOf(chunk)
    last.unshift(bytes)
    missing -= bytes.length
  }
  return Buffer.concat(last).toString('utf8', Math.max(0, -missing))
}
