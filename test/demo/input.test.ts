import assert from 'node:assert/strict'
import fc from 'fast-check'
import * as z from 'zod'
import { form, startDemo, type RunningDemo } from './support.js'

const problem = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string().min(1),
  code: z.string(),
  errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
})

async function problemOf(response: Response, status: number) {
  assert.equal(response.status, status)
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/)
  const parsed = problem.parse(await response.json())
  assert.equal(parsed.status, status)
  return parsed
}

describe('bad input to the demo app', () => {
  let demo: RunningDemo
  before(async () => {
    demo = await startDemo()
  })
  afterEach(() => assert.deepEqual(demo.simulator.billed(), []))
  after(() => demo.close())

  const chats: [unknown, RegExp][] = [
    [{}, /message/],
    [[], /object/],
    [{ message: '' }, /message: must not be empty/],
    [{ message: '  ' }, /message: must not be empty/],
    [{ message: 7 }, /message: .*string/],
    [{ message: { $ne: null } }, /message: .*string/],
    [{ message: 'a', messages: [{ role: 'user', content: 'b' }] }, /either/],
    [{ messages: [] }, /messages/],
    [{ messages: [{ role: 'assistant', content: 'b' }] }, /role user/],
    [{ messages: [{ role: 'robot', content: 'b' }] }, /messages\.0\.role/],
    [{ messages: [{ role: 'user' }] }, /messages\.0\.content/],
    [{ message: 'a', max_tokens: 0 }, /max_tokens/],
    [{ message: 'a', max_tokens: 1.5 }, /max_tokens/],
    [{ message: 'a', max_tokens: '5' }, /max_tokens/],
    [{ message: 'a', model: '' }, /model/],
  ]
  for (const [body, wrong] of chats) {
    it(`is named for chat: ${JSON.stringify(body)}`, async () => {
      for (const path of ['/ai/chat', '/ai/chat/stream']) {
        const { code, detail } = await problemOf(await demo.post(path, body), 400)
        assert.equal(code, 'bad_request')
        assert.match(detail, wrong)
      }
    })
  }

  it('is named for the other routes', async () => {
    const bodies = {
      summarize: 'text',
      'summarize/stream': 'text',
      qa: 'question',
      mindmap: 'topic',
    }
    for (const [route, field] of Object.entries(bodies)) {
      for (const value of [undefined, '', null, 5, ['x']]) {
        const { errors } = await problemOf(await demo.post(`/ai/${route}`, { [field]: value }), 400)
        assert.equal(errors?.[0]?.path, field)
      }
    }
    const { errors } = await problemOf(
      await demo.post('/ai/qa/stream', { question: 'Why?', context: 5 }),
      400,
    )
    assert.equal(errors?.[0]?.path, 'context')
  })

  it('is refused when it is not JSON', async () => {
    await problemOf(await demo.post('/ai/chat', '{"message":'), 400)
    await problemOf(await demo.post('/ai/chat', 'null'), 400)
    const headers = { 'content-type': 'text/plain' }
    const { detail } = await problemOf(await demo.post('/ai/chat', 'hello', headers), 400)
    assert.match(detail, /application\/json/)
    const charset = { 'content-type': 'application/json; charset=nonsense' }
    await problemOf(await demo.post('/ai/chat', '{}', charset), 415)
  })

  it('is refused beyond 1 MB', async () => {
    await problemOf(await demo.post('/ai/chat', { message: 'a'.repeat(1_100_000) }), 413)
  })

  it('is refused by any other method than POST', async () => {
    for (const route of ['chat', 'chat/stream', 'qa/file', 'upload', 'mindmap']) {
      const response = await fetch(`${demo.url}/ai/${route}`)
      assert.equal(response.headers.get('allow'), 'POST')
      await problemOf(response, 405)
    }
  })

  it('leaves other paths to the host', async () => {
    const response = await demo.post('/ai/usage/me', '{"broken":')
    assert.equal(response.status, 404)
    assert.doesNotMatch(response.headers.get('content-type') ?? '', /problem/)
  })

  it('is never a server error, whatever JSON comes', async () => {
    const routes = ['chat', 'chat/stream', 'summarize', 'qa', 'mindmap']
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...routes), fc.jsonValue(), async (route, value) => {
        const { status } = await demo.post(`/ai/${route}`, JSON.stringify(value))
        assert.equal(status, 400)
      }),
      { numRuns: 100 },
    )
  })

  it('is named for files', async () => {
    const noFile = form(undefined, { question: 'Why?' })
    const wrongField = form(undefined)
    wrongField.set('document', new Blob(['x']), 'x.txt')
    for (const path of ['/ai/upload', '/ai/qa/file']) {
      assert.match((await problemOf(await demo.post(path, noFile), 400)).detail, /file/)
      await problemOf(await demo.post(path, wrongField), 400)
      await problemOf(await demo.post(path, { question: 'Why?' }), 400)
      const headers = { 'content-type': 'multipart/form-data' }
      await problemOf(await demo.post(path, 'no boundary', headers), 400)
      const broken = { 'content-type': 'multipart/form-data; boundary=x' }
      await problemOf(await demo.post(path, '--x\r\nbroken', broken), 400)
    }
    const text = { name: 'a.txt', content: 'Some text.' }
    const { detail } = await problemOf(await demo.post('/ai/qa/file', form(text)), 400)
    assert.match(detail, /question/)
  })

  it('is refused when a file is too large or, for questions, no text', async () => {
    const large = { name: 'large.txt', content: new Uint8Array(5 * 1024 * 1024 + 1) }
    await problemOf(await demo.post('/ai/upload', form(large)), 413)
    for (const content of [new Uint8Array([0xff, 0xfe, 0x41]), new Uint8Array([65, 0, 66])]) {
      const binary = form({ name: 'photo.jpg', content }, { question: 'What is this?' })
      const { detail } = await problemOf(await demo.post('/ai/qa/file', binary), 400)
      assert.match(detail, /photo\.jpg.*not UTF-8 text/)
    }
  })
})
