import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { UsageEvent } from '../../src/index.js'
import { sizeOfBase64 } from '../../src/tokens/image-size.js'
import { imageTokens } from '../../src/tokens/images.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'
import { gif, jpeg, png, webp } from './image-files.js'

const tokens = (model: string, width: number, height: number, detail?: string) =>
  imageTokens([{ size: { width, height }, ...(detail !== undefined && { detail }) }], model)

describe('the size of an image', () => {
  const of = (bytes: Buffer) => sizeOfBase64(bytes.toString('base64'))

  it('is read from the header of PNG, GIF, JPEG and all kinds of WebP', () => {
    const size = fc.integer({ min: 1, max: 16_383 })
    fc.assert(
      fc.property(size, size, (width, height) => {
        for (const file of [png, gif, jpeg])
          assert.deepEqual(of(file(width, height)), { width, height })
        for (const kind of ['VP8 ', 'VP8L', 'VP8X'] as const) {
          assert.deepEqual(of(webp(kind, width, height)), { width, height }, kind)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('is found behind the metadata of a JPEG, and in a data URL', () => {
    const file = jpeg(1200, 800, 60_000)
    assert.deepEqual(of(file), { width: 1200, height: 800 })
    const url = `data:image/jpeg;base64,${file.toString('base64')}`
    assert.deepEqual(sizeOfBase64(url), { width: 1200, height: 800 })
  })

  it('is unknown for anything else, whatever its bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(png, gif, jpeg),
        (bytes, file) => {
          of(Buffer.from(bytes))
          const broken = Buffer.concat([file(10, 10).subarray(0, bytes.length % 24), bytes])
          const size = of(broken)
          if (size) assert.ok(size.width > 0 && size.height > 0)
        },
      ),
    )
    assert.equal(sizeOfBase64('not base64 at all, but long enough to be one'), undefined)
    assert.equal(of(png(0, 10)), undefined)
  })
})

describe('the tokens of an image', () => {
  it('are what OpenAI’s guide works out', () => {
    assert.equal(tokens('gpt-4o', 1024, 1024, 'high'), 765)
    assert.equal(tokens('gpt-4o', 2048, 4096, 'high'), 1105)
    assert.equal(tokens('gpt-4o', 4096, 8192, 'low'), 85)
    assert.equal(tokens('gpt-4.1-2025-04-14', 1024, 1024), 765)
    assert.equal(tokens('gpt-4o-mini', 1024, 1024), 2833 + 4 * 5667)
    assert.equal(tokens('o3', 1024, 1024), 75 + 4 * 150)
    assert.equal(tokens('gpt-5', 1024, 1024), 70 + 4 * 140)
    assert.equal(tokens('gpt-4.1-mini', 1024, 1024), Math.ceil(1024 * 1.62))
    assert.equal(tokens('gpt-4.1-nano', 1800, 2400), Math.ceil(1452 * 2.46))
    assert.equal(tokens('o4-mini', 1800, 2400), Math.ceil(1452 * 1.72))
  })

  it('are what was billed for small images and newer models', () => {
    // OpenAI's forum: 128 × 64 px, detail low and high, less the tokens of the text.
    assert.equal(tokens('gpt-4o', 128, 64, 'high'), 255)
    assert.equal(tokens('o3', 128, 64, 'high'), 225)
    assert.equal(tokens('gpt-4o-mini', 128, 64, 'high'), 8500)
    // Measured through the API at several sizes.
    assert.equal(tokens('gpt-5.5', 1920, 1080), 2448)
    assert.equal(tokens('gpt-5.5', 640, 480, 'high'), 360)
    assert.equal(tokens('gpt-5.5', 640, 480, 'low'), 231)
    assert.equal(tokens('gpt-5.4', 2880, 864, 'high') <= 3000, true)
  })

  it('are one per patch of 28 px for Claude, up to the native resolution', () => {
    assert.equal(tokens('claude-sonnet-4-5', 1000, 1000), 1296)
    assert.equal(tokens('claude-haiku-4-5', 256, 256), 100)
    assert.equal(tokens('claude-sonnet-4-5', 4032, 3024), 1568)
    assert.equal(tokens('claude-opus-4-7', 1920, 1080), 69 * 39)
    assert.equal(tokens('claude-opus-4-7', 4000, 4000), 4784)
    // The older formula, width × height / 750, differs by no more than 5 %.
    assert.ok(Math.abs(tokens('claude-sonnet-4-5', 1092, 1092) / ((1092 * 1092) / 750) - 1) < 0.05)
  })

  it('are 258 per tile for Gemini, and a fixed budget since Gemini 3', () => {
    assert.equal(tokens('gemini-2.5-flash', 384, 384), 258)
    assert.equal(tokens('gemini-2.5-flash', 960, 540), 6 * 258)
    assert.equal(tokens('models/gemini-2.0-flash', 768, 768), 4 * 258)
    assert.equal(imageTokens([{}], 'gemini-2.5-pro'), 258)
    assert.equal(tokens('gemini-3-flash-preview', 960, 540), 1120)
  })

  it('are those of a typical image where the size is not known, and never absurd', () => {
    assert.equal(imageTokens([{}, { detail: 'low' }], 'gpt-4o'), 765 + 85)
    const side = fc.integer({ min: 1, max: 65_535 })
    const model = fc.constantFrom(
      'gpt-4o',
      'gpt-5-mini',
      'gpt-5.5',
      'o4-mini',
      'claude-opus-4-7',
      'x',
    )
    fc.assert(
      fc.property(model, side, side, (name, width, height) => {
        const count = tokens(name, width, height)
        assert.ok(Number.isInteger(count) && count > 0 && count <= 12_000, `${name}: ${count}`)
      }),
    )
  })
})

describe('a prompt with images', () => {
  let app: TestApp
  before(async () => {
    const { default: express } = await import('express')
    app = await startApp((host) => {
      host.use(express.json())
      host.post('/ai/chat', (_req, res) => void res.json({ reply: 'A cat.' }))
    })
  })
  after(() => app.close())

  const ask = async (messages: unknown[], model: string): Promise<UsageEvent> => {
    const headers = { ...bearer('u'), 'content-type': 'application/json' }
    const body = JSON.stringify({ model, messages })
    await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers, body })).text()
    await app.usage.flush()
    const logs = app.database.connection.collection<UsageEvent>('usage_logs')
    const event = await logs.findOneAndDelete({})
    assert.ok(event)
    return event
  }

  it('is an estimate: the text’s tokens and the images’, in every provider’s spelling', async () => {
    const data = png(1024, 1024).toString('base64')
    const url = `data:image/png;base64,${data}`
    const text = { type: 'text', text: 'What is this?' }
    const bare = await ask([{ role: 'user', content: [text] }], 'gpt-4o')
    assert.equal(bare.token_source, 'tokenizer')
    const spellings: object[] = [
      { type: 'image_url', image_url: { url, detail: 'high' } },
      { type: 'input_image', image_url: url },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data } },
      { type: 'image', image: url },
      { type: 'file', mediaType: 'image/png', url },
      { inlineData: { mimeType: 'image/png', data } },
      { image: { format: 'png', source: { bytes: data } } },
    ]
    for (const image of spellings) {
      const event = await ask([{ role: 'user', content: [text, image] }], 'gpt-4o')
      assert.equal(event.input_tokens, bare.input_tokens + 765, JSON.stringify(image).slice(0, 60))
      assert.equal(event.token_source, 'estimate')
      assert.equal(event.output_tokens, bare.output_tokens)
    }
    const ollama = await ask([{ role: 'user', content: 'What is this?', images: [data] }], 'gpt-4o')
    assert.equal(ollama.input_tokens, bare.input_tokens + 765)
  })
})
