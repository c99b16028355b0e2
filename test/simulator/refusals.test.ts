import assert from 'node:assert/strict'
import { startSimulator, type Simulator } from '../../scripts/simulator/index.js'

const messages = [{ role: 'user', content: 'hello' }]

describe('the simulator refuses in the shape of the provider', () => {
  let simulator: Simulator
  before(async () => {
    simulator = await startSimulator()
  })
  after(() => simulator.close())

  const post = async (path: string, body: unknown, headers: Record<string, string>) => {
    const response = await fetch(simulator.url + path, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const bearer = { authorization: 'Bearer any' }
  const signed = { authorization: 'AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/bedrock/x' }
  const contents = [{ parts: [{ text: 'hello' }] }]
  const invoke = { anthropic_version: 'bedrock-2023-05-31', messages, max_tokens: 5 }
  const converse = { messages: [{ role: 'user', content: [{ text: 'hello' }] }] }
  const endpoints = [
    { path: '/v1/chat/completions', body: { model: 'nope', messages }, key: bearer },
    { path: '/v1/responses', body: { model: 'nope', input: 'hello' }, key: bearer },
    { path: '/v1/embeddings', body: { model: 'nope', input: 'hello' }, key: bearer },
    { path: '/api/v1/chat/completions', body: { model: 'nope', messages }, key: bearer },
    {
      path: '/v1/messages',
      body: { model: 'nope', messages, max_tokens: 5 },
      key: { 'x-api-key': 'any' },
    },
    {
      path: '/v1beta/models/nope:generateContent',
      body: { contents },
      key: { 'x-goog-api-key': 'any' },
      keyless: 403,
    },
    {
      path: '/v1beta/models/nope:streamGenerateContent?alt=sse',
      body: { contents },
      key: { 'x-goog-api-key': 'any' },
      keyless: 403,
    },
    {
      path: '/mistral/v1/chat/completions',
      body: { model: 'nope', messages },
      key: bearer,
      modelless: 400,
    },
    { path: '/v2/chat', body: { model: 'nope', messages }, key: bearer },
    { path: '/api/chat', body: { model: 'nope', messages }, key: {}, keyless: 404 },
    { path: '/api/generate', body: { model: 'nope', prompt: 'hello' }, key: {}, keyless: 404 },
    { path: '/api/embed', body: { model: 'nope', input: 'hello' }, key: {}, keyless: 404 },
    { path: '/openai/v1/chat/completions', body: { model: 'nope', messages }, key: bearer },
    { path: '/chat/completions', body: { model: 'nope', messages }, key: bearer },
    { path: '/xai/v1/chat/completions', body: { model: 'nope', messages }, key: bearer },
    { path: '/model/nope/converse', body: converse, key: signed, keyless: 403 },
    { path: '/model/nope/converse-stream', body: converse, key: signed, keyless: 403 },
    { path: '/model/nope/invoke', body: invoke, key: signed, keyless: 403 },
    {
      path: '/model/nope/invoke-with-response-stream',
      body: invoke,
      key: bearer,
      keyless: 403,
    },
  ]

  for (const { path, body, key, modelless = 404, keyless = 401 } of endpoints) {
    it(`${path}: ${modelless} for an unknown model, ${keyless} without a key, 400 for bad input`, async () => {
      assert.equal((await post(path, body, key)).status, modelless)
      assert.equal((await post(path, body, {})).status, keyless)
      assert.equal((await post(path, '{"model":', key)).status, 400)
      assert.equal((await post(path, {}, key)).status, 400)
      assert.equal((await post(path, null, key)).status, 400)
      assert.equal(
        (await post(path, body, { ...key, 'x-simulator-fault': 'earthquake' })).status,
        400,
      )
      assert.deepEqual(simulator.billed(), [])
    })
  }

  it('OpenAI: error with message, type, param and code', async () => {
    const { body } = await post('/v1/chat/completions', { model: 'nope', messages }, bearer)
    assert.deepEqual(body, {
      error: {
        message: 'The model `nope` does not exist or you do not have access to it.',
        type: 'invalid_request_error',
        param: null,
        code: 'model_not_found',
      },
    })
  })

  it('Anthropic: type error with a request id', async () => {
    const { body } = await post('/v1/messages', { model: 'nope', messages, max_tokens: 5 }, {})
    assert.equal(body['type'], 'error')
    assert.deepEqual(body['error'], {
      type: 'authentication_error',
      message: 'x-api-key header is required',
    })
    assert.match(String(body['request_id']), /^req_/)
  })

  it('OpenRouter: a numeric code', async () => {
    const { body } = await post('/api/v1/chat/completions', { model: 'nope', messages }, bearer)
    assert.deepEqual(body, { error: { message: 'No endpoints found for nope.', code: 404 } })
  })

  it('Google: a code and its name', async () => {
    const path = '/v1beta/models/gemini-2.5-flash:generateContent'
    const { body } = await post(path, {}, { 'x-goog-api-key': 'any' })
    const { error } = body as { error: Record<string, unknown> }
    assert.equal(error['code'], 400)
    assert.equal(error['status'], 'INVALID_ARGUMENT')
  })

  it('Bedrock: the exception in a header', async () => {
    const response = await fetch(`${simulator.url}/model/nope/converse`, {
      method: 'POST',
      headers: signed,
      body: JSON.stringify(converse),
    })
    assert.equal(response.headers.get('x-amzn-errortype'), 'ResourceNotFoundException')
    assert.deepEqual(Object.keys((await response.json()) as object), ['message'])
  })

  it('answers 404 where there is no endpoint', async () => {
    assert.equal((await post('/v1/images', {}, bearer)).status, 404)
    assert.equal((await fetch(`${simulator.url}/v1/messages`)).status, 404)
    assert.equal((await fetch(`${simulator.url}//`)).status, 404)
    assert.equal((await post('/model/%zz/converse', converse, signed)).status, 404)
    assert.equal((await post('/model/a/b/converse', converse, signed)).status, 404)
  })

  it('answers 413 to a body beyond 20 MB', async () => {
    const body = 'x'.repeat(21 * 1024 * 1024)
    assert.equal((await post('/v1/chat/completions', body, bearer)).status, 413)
  })
})
