import { crc32 } from 'node:zlib'

/** One message of `application/vnd.amazon.eventstream` with string headers, as AWS documents it. */
export function framed(headers: Record<string, string>, payload: string): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(Buffer.byteLength(value))
      const prefix = Buffer.from([Buffer.byteLength(name)])
      return Buffer.concat([
        prefix,
        Buffer.from(name),
        Buffer.from([7]),
        length,
        Buffer.from(value),
      ])
    }),
  )
  const body = Buffer.from(payload)
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(16 + head.length + body.length, 0)
  prelude.writeUInt32BE(head.length, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const message = Buffer.concat([prelude, head, body])
  const trailer = Buffer.alloc(4)
  trailer.writeUInt32BE(crc32(message))
  return Buffer.concat([message, trailer])
}
