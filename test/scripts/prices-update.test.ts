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
  const answers: { status: number; body: string }[] = [{ status: 200, body: catalogue }]
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'catalogue-'))
    server = createServer((req, res) => {
      const { status, body } = answers[Number(req.url?.slice(1))] ?? assert.fail(req.url)
      res.writeHead(status).end(body)
    })
    url = await listen(server)
  })
  after(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })
  const update = (file: string, from: string) =>
    run('prices-update', ['--out', file], { AI_USAGE_PRICES_URL: from })

  it('writes the catalogue that is published', async () => {
    const file = path.join(folder, 'new', 'prices.json')
    const { code, stdout, stderr } = await update(file, `${url}/0`)
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
    const lost = update(file, 'http://127.0.0.1:1/')
    const refused = wrong.map((one) => update(file, `${url}/${answers.push(one) - 1}`))
    for (const [index, { code, stderr }] of (await Promise.all(refused)).entries()) {
      assert.equal(code, 1, JSON.stringify(wrong[index]))
      assert.match(stderr, /price catalogue.*What was in use stays in use/s)
    }
    const { code, stderr } = await lost
    assert.equal(code, 1)
    assert.match(stderr, /could not be fetched.*nothing was written/)
    assert.equal(await readFile(file, 'utf8'), 'what was there')
    await assert.rejects(access(`${file}.part`))
  })
})
