import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { typescriptArgs } from '../helpers/children.js'
import { until } from '../helpers/until.js'

const script = fileURLToPath(new URL('../../scripts/serve.ts', import.meta.url))

describe('npm start, with variables that are empty', function () {
  this.timeout(120_000)
  let cwd: string
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'serve-'))
  })
  afterEach(() => rm(cwd, { recursive: true, force: true, maxRetries: 20 }))

  const start = (variables: Record<string, string>) => {
    const { PATH = '', HOME = '' } = process.env
    const child = spawn(process.execPath, [...typescriptArgs, script], {
      ...{ cwd, env: { PATH, HOME, PORT: '0', ...variables } },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = { text: '' }
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (said.text += chunk.toString()))
    return { child, said, ended: once(child, 'exit') as Promise<[number | null]> }
  }

  it('takes those that say where things are for absent', async () => {
    const empty = { MONGODB_URI: '', AI_USAGE_PRICES_FILE: '', OPENAI_API_KEY: '' }
    const { child, said, ended } = start(empty)
    let isOver = false
    void ended.then(() => (isOver = true))
    await until(() => isOver || said.text.includes('listens on'), 90_000)
    child.kill('SIGTERM')
    await ended
    assert.match(said.text, /listens on/)
  })

  it('refuses an empty secret by the name of its variable', async () => {
    const { said, ended } = start({ JWT_SECRET: '' })
    const [code] = await ended
    assert.equal(code, 1)
    assert.match(said.text, /^JWT_SECRET must have/)
  })
})
