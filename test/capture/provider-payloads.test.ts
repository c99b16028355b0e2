import assert from 'node:assert/strict'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { systemClock } from '../../src/clock.js'
import { BodyBuffer } from '../../src/capture/body.js'
import { bodyKind, decode } from '../../src/capture/content.js'
import type { Reading } from '../../src/capture/reading.js'
import { ResponseReader } from '../../src/capture/response-reader.js'
import { expected, payload, type Expected } from '../helpers/fixtures.js'

const families = ['openai-chat/', 'openai-responses/', 'anthropic/']
const cases = Object.entries(expected).filter(([name]) =>
  families.some((family) => name.startsWith(family)),
)

/** Reads chunks as the tap hands them on; with windows, folding as it goes. */
function read(
  chunks: readonly (Buffer | string)[],
  contentType: string,
  windows: boolean,
): Reading {
  const body = new BodyBuffer(systemClock)
  body.expectText()
  const reader = new ResponseReader(bodyKind(contentType, Buffer.alloc(0)))
  for (const chunk of chunks) {
    body.add(chunk, undefined)
    if (windows && reader.kind !== 'json') reader.push(body.takeText())
  }
  return reader.finish(body.takeText())
}

function assertRead(reading: Reading, want: Expected, how: string): void {
  if (want.usage === null) {
    assert.equal(reading.output_is_final, false, how)
    if (want.text !== undefined) assert.equal(reading.text.join(''), want.text, how)
    return
  }
  assert.deepEqual(reading.tokens, want.usage, how)
  assert.equal(reading.output_is_final, true, how)
  assert.equal(reading.provider, want.provider, how)
  assert.equal(reading.model, want.model, how)
}

describe('provider payloads', () => {
  for (const [name, want] of cases) {
    const bytes = payload(name)

    it(`reads ${name} exactly, whole and split at every byte`, () => {
      assertRead(read([bytes], want.content_type, false), want, 'whole')
      assertRead(read([bytes.toString('utf8')], want.content_type, false), want, 'as a string')
      for (let at = 1; at < bytes.length; at++) {
        const parts = [bytes.subarray(0, at), bytes.subarray(at)]
        assertRead(read(parts, want.content_type, false), want, `split at ${at}`)
        assertRead(read(parts, want.content_type, true), want, `folded in windows at ${at}`)
      }
    })

    it(`reads ${name} exactly in windows of one byte`, () => {
      const parts = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
      assertRead(read(parts, want.content_type, true), want, 'bytes')
    })

    it(`reads ${name} exactly when compressed`, async () => {
      const encodings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }
      for (const [encoding, compress] of Object.entries(encodings)) {
        const text = await decode(compress(bytes), encoding, 1024 * 1024)
        assertRead(read([text], want.content_type, false), want, encoding)
      }
    })
  }

  it('reads CR and CRLF streams like LF streams', () => {
    for (const [name, want] of cases.filter(([name]) => name.endsWith('.sse'))) {
      for (const end of ['\r', '\r\n']) {
        const text = payload(name).toString('utf8').replaceAll('\n', end)
        assertRead(read([text], want.content_type, false), want, `${name} ${JSON.stringify(end)}`)
        for (let at = 1; at < text.length; at += 7) {
          const parts = [text.slice(0, at), text.slice(at)]
          assertRead(
            read(parts, want.content_type, true),
            want,
            `${name} ${JSON.stringify(end)} ${at}`,
          )
        }
      }
    }
  })

  it('calls a provider error what it is', () => {
    const reading = read([payload('openai-chat/error-429.json')], 'application/json', false)
    assert.equal(reading.error_type, 'tokens')
    assert.deepEqual(reading.tokens, {})
  })
})
