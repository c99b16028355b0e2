import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { typescriptArgs } from '../helpers/children.js'

interface Found {
  inputs: number[]
  unlimited: number[][]
  given: number[][]
  limited: number[][]
}

describe("provider calls by Node's own fetch", () => {
  let found: Found
  before(async () => {
    const child = fileURLToPath(new URL('built-in-child.ts', import.meta.url))
    const env = { ...process.env, NODE_V8_COVERAGE: '' }
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, [...typescriptArgs, child], { env })
    found = JSON.parse(stdout) as Found
  })

  it('belong to those who made them', () => {
    assert.deepEqual(
      found.unlimited,
      found.inputs.map((tokens) => [tokens]),
    )
  })

  for (const how of ['given', 'limited'] as const) {
    it(`are never billed to another where they had to wait for a connection (${how})`, () => {
      for (const [index, tokens] of found[how].entries()) {
        const own = String(found.inputs[index])
        assert.ok(tokens.length === 0 || String(tokens) === own, String(tokens))
      }
      assert.ok(found[how].some((tokens) => tokens.length > 0))
    })
  }
})
