import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { book } from './support.js'

describe('the package that brings the catalogue', () => {
  const load = createRequire(import.meta.url)
  const path = load.resolve('@pydantic/genai-prices')
  const forget = () => Reflect.deleteProperty(load.cache, path)
  beforeEach(forget)
  after(forget)

  it('does not stay in memory once its prices are known', async () => {
    await book()
    assert.equal(load.cache[path], undefined)
  })

  it('is left as it was where the host uses it as well', async () => {
    const theirs: unknown = load(path)
    await book()
    assert.equal(load(path), theirs)
  })
})
