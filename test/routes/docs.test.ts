import assert from 'node:assert/strict'
import { startApp, type TestApp } from '../helpers/app.js'

/** What the outside sees: a proxy takes this off before it asks the app. */
const prefix = '/gateway'

describe('the page of /docs', function () {
  this.timeout(20_000)
  let app: TestApp
  before(async () => {
    app = await startApp(() => undefined)
  })
  after(() => app.close())

  /** Asks as a browser does that knows only the outside. */
  const browse = async (path: string): Promise<{ at: URL; text: string }> => {
    const at = new URL(path, 'http://outside.example')
    assert.ok(at.pathname.startsWith(prefix), `${at.pathname} is not of this app`)
    const inside = at.pathname.slice(prefix.length) + at.search
    const response = await fetch(app.url + inside, { redirect: 'manual' })
    const location = response.headers.get('location')
    if (location !== null) return browse(new URL(location, at).href)
    assert.equal(response.status, 200, at.pathname)
    return { at, text: await response.text() }
  }

  for (const path of ['/ai/usage/docs', '/ai/usage/docs/', '/ai/usage/docs/?a=b'])
    it(`finds its files and the description, also behind a proxy, at ${path}`, async () => {
      const page = await browse(prefix + path)
      const links = Array.from(
        page.text.matchAll(/(?:href|src)="([^"]+)"/g),
        ([, link = '']) => link,
      )
      assert.ok(links.length >= 4)
      const files = await Promise.all(links.map((link) => browse(new URL(link, page.at).href)))
      const start = files.find(({ at }) => at.pathname.endsWith('/swagger-ui-init.js'))
      const [, description = ''] = /"url": "([^"]+)"/.exec(start?.text ?? '') ?? []
      const { text } = await browse(new URL(description, page.at).href)
      assert.match(text, /^openapi: 3/)
    })
})
