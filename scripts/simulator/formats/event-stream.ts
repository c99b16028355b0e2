import { crc32 } from 'node:zlib'

const PRELUDE_BYTES = 12
const CRC_BYTES = 4
const STRING_TYPE = 7

/** Content type of AWS's binary framing. */
export const EVENT_STREAM_TYPE = 'application/vnd.amazon.eventstream'

/**
 * One message of `application/vnd.amazon.eventstream` with a JSON payload: total and header length
 * (32 bits each, big-endian), their CRC32, the headers, the payload, the CRC32 of all before.
 */
export function eventMessage(headers: Readonly<Record<string, string>>, payload: object): Buffer {
  const json = Buffer.from(JSON.stringify(payload))
  const head = Buffer.concat(Object.entries(headers).map(headerOf))
  const message = Buffer.alloc(PRELUDE_BYTES + head.length + json.length + CRC_BYTES)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(head.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  head.copy(message, PRELUDE_BYTES)
  json.copy(message, PRELUDE_BYTES + head.length)
  const end = message.length - CRC_BYTES
  message.writeUInt32BE(crc32(message.subarray(0, end)), end)
  return message
}

function headerOf([name, value]: readonly [string, string]): Buffer {
  const nameBytes = Buffer.from(name)
  const valueBytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(valueBytes.length)
  return Buffer.concat([
    Buffer.of(nameBytes.length),
    nameBytes,
    Buffer.of(STRING_TYPE),
    length,
    valueBytes,
  ])
}
