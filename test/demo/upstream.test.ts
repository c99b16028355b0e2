import assert from 'node:assert/strict'
import { chooseUpstream } from '../../scripts/demo/upstream.js'

describe('the upstream that the environment names', () => {
  it('is OpenAI before Anthropic before OpenRouter', async () => {
    const all = { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'b', OPENROUTER_API_KEY: 'c' }
    const chosen = await Promise.all([
      chooseUpstream(all),
      chooseUpstream({ ...all, OPENAI_API_KEY: undefined }),
      chooseUpstream({ ...all, OPENAI_API_KEY: '', ANTHROPIC_API_KEY: '' }),
    ])
    assert.deepEqual(
      chosen.map(({ upstream }) => [upstream.kind, upstream.apiKey, upstream.baseUrl]),
      [
        ['openai', 'a', 'https://api.openai.com/v1'],
        ['anthropic', 'b', 'https://api.anthropic.com'],
        ['openrouter', 'c', 'https://openrouter.ai/api/v1'],
      ],
    )
    for (const { description, simulator } of chosen) {
      assert.doesNotMatch(description, /simulator/i)
      assert.equal(simulator, undefined)
    }
  })

  it('is at the base URL and has the model that are given', async () => {
    const { description, upstream } = await chooseUpstream({
      OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1',
      OPENAI_MODEL: 'llama3.2',
    })
    assert.equal(upstream.kind, 'openai')
    assert.equal(upstream.baseUrl, 'http://127.0.0.1:11434/v1')
    assert.equal(upstream.model, 'llama3.2')
    assert.match(description, /openai at http:\/\/127\.0\.0\.1:11434\/v1, model llama3\.2/)
  })

  it('is a simulator that says so when nothing is named', async () => {
    const chosen = await chooseUpstream({})
    const { description, simulator, upstream } = chosen
    assert.ok(simulator)
    assert.match(description, /SIMULATOR/)
    assert.equal(upstream.baseUrl, simulator.baseUrls.openai)
    assert.equal((await fetch(`${upstream.baseUrl}/models`)).status, 401)
    await chosen.close()
    await assert.rejects(fetch(`${upstream.baseUrl}/models`))
  })

  it('never shows a key in its description', async () => {
    for (const name of ['OPENAI', 'ANTHROPIC', 'OPENROUTER']) {
      const { description } = await chooseUpstream({ [`${name}_API_KEY`]: 'sk-secret' })
      assert.doesNotMatch(description, /sk-secret/)
    }
  })
})
