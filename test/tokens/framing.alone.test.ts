import assert from 'node:assert/strict'
import { framePrompt } from '../../src/tokens/framing.js'
import { bestTime, manyProperties, manyTools } from './support.js'

describe('the framing of a prompt', () => {
  const deep = Array.from({ length: 5000 }).reduce<object>((items) => ({ items }), {})
  const endless = {
    properties: manyProperties(30_000),
    tools: manyTools(30_000),
    depth: [{ name: 'deep', parameters: deep }],
  }
  for (const [what, tools] of Object.entries(endless)) {
    it(`is quick where there is no end of ${what}`, () => {
      // Listing the names of 30,000 properties alone takes V8 about 8 ms.
      const took = bestTime(() => framePrompt({ messages: [], tools }, 'o200k_base'))
      assert.ok(took < 20, `${took} ms`)
    })
  }
})
