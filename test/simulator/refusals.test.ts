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
  ]

  for (const { path, body, key } of endpoints) {
    it(`${path}: 404 for an unknown model, 401 without a key, 400 for bad input`, async () => {
      assert.equal((await post(path, body, key)).status, 404)
      assert.equal((await post(path, body, {})).status, 401)
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

  it('answers 404 where there is no endpoint', async () => {
    assert.equal((await post('/v1/images', {}, bearer)).status, 404)
    assert.equal((await fetch(`${simulator.url}/v1/messages`)).status, 404)
    assert.equal((await fetch(`${simulator.url}//`)).status, 404)
  })

  it('answers 413 to a body beyond 20 MB', async () => {
    const body = 'x'.repeat(21 * 1024 * 1024)
    assert.equal((await post('/v1/chat/completions', body, bearer)).status, 413)
  })
})
