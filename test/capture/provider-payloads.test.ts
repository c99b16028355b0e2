import assert from 'node:assert/strict'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { BodyBuffer } from '../../src/capture/body.js'
import { bodyKind, decode } from '../../src/capture/content.js'
import type { Reading } from '../../src/capture/reading.js'
import { ResponseReader } from '../../src/capture/response-reader.js'
import { expected, payload, type Expected } from '../helpers/fixtures.js'
import { framed } from './frames.js'

const cases = Object.entries(expected)
/** Frameworks are no providers: what the model tells is said by the event. */
const frameworks = new Set<string | null>(['langchain', 'vercel-ai-sdk'])

/** Reads chunks as the tap hands them on; with windows, folding as it goes. */
function read(
  chunks: readonly (Buffer | string)[],
  contentType: string,
  windows: boolean,
): Reading {
  const body = new BodyBuffer()
  const reader = new ResponseReader(bodyKind(contentType, Buffer.alloc(0)))
  // Text is kept as text where the head says so, as bytes else: both must read alike.
  if (windows && reader.kind !== 'eventstream') body.expectText()
  for (const chunk of chunks) {
    body.add(chunk, undefined)
    if (windows && reader.kind !== 'json') reader.take(body, 1)
  }
  return reader.finishBody(body)
}

function assertRead(reading: Reading, want: Expected, how: string): void {
  assert.deepEqual(reading.usage_flags, [], how)
  if (want.usage === null) {
    assert.equal(reading.output_is_final, false, how)
    if (want.text !== undefined) assert.equal(reading.text.join(''), want.text, how)
    return
  }
  const { cost_usd, ...tokens } = want.usage
  assert.deepEqual(reading.tokens, tokens, how)
  assert.equal(reading.cost_usd, cost_usd, how)
  assert.equal(reading.output_is_final, true, how)
  assert.equal(reading.provider, frameworks.has(want.provider) ? undefined : want.provider, how)
  assert.equal(reading.model, want.model ?? undefined, how)
  if (want.billed_input_tokens === undefined) return
  const billed = {
    input_tokens: want.billed_input_tokens,
    output_tokens: want.billed_output_tokens,
  }
  assert.deepEqual(reading.billed, billed, how)
}

function assertEverySplit(bytes: Buffer, contentType: string, want: Expected): void {
  for (let at = 1; at < bytes.length; at++) {
    const parts = [bytes.subarray(0, at), bytes.subarray(at)]
    assertRead(read(parts, contentType, false), want, `split at ${at}`)
    assertRead(read(parts, contentType, true), want, `folded in windows at ${at}`)
  }
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
  assertRead(read(single, contentType, true), want, 'in windows of one byte')
}

describe('provider payloads', () => {
  it('are all there', () => assert.equal(cases.length, 29))

  for (const [name, want] of cases) {
    const bytes = payload(name)

    it(`reads ${name} exactly, whole and split at every byte`, () => {
      assertRead(read([bytes], want.content_type, false), want, 'whole')
      assertRead(read([bytes.toString('utf8')], want.content_type, false), want, 'as a string')
      assertEverySplit(bytes, want.content_type, want)
    })

    it(`reads ${name} exactly when compressed`, async () => {
      const encodings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }
      for (const [encoding, compress] of Object.entries(encodings)) {
        const plain = await decode(compress(bytes), encoding, 1024 * 1024)
        assertRead(read([plain], want.content_type, false), want, encoding)
      }
    })
  }

  it('reads CR and CRLF streams like LF streams', () => {
    const streams = cases.filter(([name]) => /stream|\.sse$|\.ndjson$/.test(name))
    assert.ok(streams.length >= 10)
    for (const [name, want] of streams) {
      for (const end of ['\r', '\r\n']) {
        const text = payload(name).toString('utf8').replaceAll('\n', end)
        const how = `${name} ${JSON.stringify(end)}`
        assertRead(read([text], want.content_type, false), want, how)
        for (let at = 1; at < text.length; at += 7) {
          const parts = [text.slice(0, at), text.slice(at)]
          assertRead(read(parts, want.content_type, true), want, `${how} ${at}`)
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

const frames = 'application/vnd.amazon.eventstream'
const streamed = expected['bedrock/converse-stream.sse']

describe('binary event streams', () => {
  const events = payload('bedrock/converse-stream.sse')
    .toString('utf8')
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.slice('data: '.length)) as Record<string, unknown>)
  const bytes = Buffer.concat(
    events.map((event) => {
      const [[type, value] = ['', undefined]] = Object.entries(event)
      return framed({ ':message-type': 'event', ':event-type': type }, JSON.stringify(value))
    }),
  )

  it('reads ConverseStream exactly, whole, split at every byte, and compressed', async () => {
    assert.ok(streamed)
    assertRead(read([bytes], frames, false), streamed, 'whole')
    assertEverySplit(bytes, frames, streamed)
    const plain = await decode(gzipSync(bytes), 'gzip', 1024 * 1024)
    assertRead(read([plain], frames, false), streamed, 'gzip')
  })

  it('keeps the text, and nothing after a damaged frame', () => {
    assert.equal(
      read([bytes], frames, false).text.join(''),
      streamed && expected['edge/plain-text-stream.txt']?.text,
    )
    for (let at = 0; at < bytes.length; at += 3) {
      const damaged = Buffer.from(bytes)
      damaged.writeUInt8(damaged.readUInt8(at) ^ 0xff, at)
      const reading = read([damaged], frames, false)
      assert.equal(reading.output_is_final, false, `damaged at ${at}`)
      assert.deepEqual(reading.tokens, {}, `damaged at ${at}`)
    }
  })

  it('reads the chunks of InvokeModel in the format of the model inside', () => {
    const chunk = (value: unknown) => {
      const inner = Buffer.from(JSON.stringify(value)).toString('base64')
      const headers = { ':message-type': 'event', ':event-type': 'chunk' }
      return framed(headers, JSON.stringify({ bytes: inner, p: 'abc' }))
    }
    const usage = { input_tokens: 25, cache_read_input_tokens: 10, output_tokens: 1 }
    const message = { id: 'msg_1', type: 'message', model: 'claude-sonnet-4-5', usage }
    const metrics = { inputTokenCount: 25, outputTokenCount: 22, cacheReadInputTokenCount: 10 }
    const claude = [
      { type: 'message_start', message },
      { type: 'content_block_delta', delta: { type: 'text_delta', text: 'Hi' } },
      { type: 'message_delta', usage: { output_tokens: 22 } },
      { type: 'message_stop', 'amazon-bedrock-invocationMetrics': metrics },
    ]
    const reading = read([Buffer.concat(claude.map(chunk))], frames, false)
    assert.deepEqual(reading.tokens, {
      input_tokens: 35,
      output_tokens: 22,
      cache_read_tokens: 10,
      cache_write_tokens: 0,
      reasoning_tokens: 0,
    })
    assert.equal(reading.provider, 'bedrock')
    assert.equal(reading.output_is_final, true)
    assert.equal(reading.text.join(''), 'Hi')
  })

  it('names the exception that a stream ends with', () => {
    const headers = { ':message-type': 'exception', ':exception-type': 'throttlingException' }
    const end = framed(headers, JSON.stringify({ message: 'Too many requests' }))
    const reading = read([Buffer.concat([bytes.subarray(0, 300), end])], frames, false)
    assert.equal(reading.error_type, undefined, 'cut inside a frame')
    assert.equal(read([end], frames, false).error_type, 'throttlingException')
  })
})
