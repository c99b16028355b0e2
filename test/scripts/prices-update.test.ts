import assert from 'node:assert/strict'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { listen } from '../helpers/app.js'
import { run } from './support.js'

const catalogue = JSON.stringify([
  {
    id: 'acme',
    models: [{ id: 'm', match: { equals: 'm' }, prices: { input_mtok: 1, output_mtok: 2 } }],
  },
])

describe('npm run prices:update', function () {
  this.timeout(60_000)
  let folder: string
  let server: Server
  let url: string
  let answer: { status: number; body: string }
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'catalogue-'))
    server = createServer((_req, res) => void res.writeHead(answer.status).end(answer.body))
    url = await listen(server)
  })
  after(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })
  const update = (file: string, from = url) =>
    run('prices-update', ['--out', file], { AI_USAGE_PRICES_URL: from })

  it('writes the catalogue that is published', async () => {
    answer = { status: 200, body: catalogue }
    const file = path.join(folder, 'new', 'prices.json')
    const { code, stdout, stderr } = await update(file)
    assert.equal(code, 0, stderr)
    assert.match(stdout, /prices of 1 models/)
    assert.equal(await readFile(file, 'utf8'), catalogue)
  })

  it('leaves what is there alone when it is no catalogue, or cannot be had, and says so', async () => {
    const file = path.join(folder, 'prices.json')
    await writeFile(file, 'what was there')
    const wrong = [
      { status: 200, body: '<html>' },
      { status: 200, body: '[]' },
      { status: 200, body: '[{"id":"acme","models":[{"id":"m"}]}]' },
      { status: 503, body: catalogue },
    ]
    for (const one of wrong) {
      answer = one
      const { code, stderr } = await update(file)
      assert.equal(code, 1, JSON.stringify(one))
      assert.match(stderr, /price catalogue.*What was in use stays in use/s)
    }
    const { code, stderr } = await update(file, 'http://127.0.0.1:1/')
    assert.equal(code, 1)
    assert.match(stderr, /could not be fetched.*nothing was written/)
    assert.equal(await readFile(file, 'utf8'), 'what was there')
    await assert.rejects(access(`${file}.part`))
  })
})
