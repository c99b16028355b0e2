import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const room = readdirSync(join(root, 'src/tokens')).map((file) => `tokens/${file.slice(0, -3)}`)
const sources = ['clock', 'logger', ...room]

/** A program that counts once and then leaves the counter idle. */
const program = (extension: string) => `
  import Module from 'node:module'
  import { systemClock } from './src/clock.${extension}'
  import { createTokenCounter } from './src/tokens/counter.${extension}'
  const counter = createTokenCounter({ logger: console, clock: systemClock })
  const count = await counter.count({ model: 'gpt-4o', completion: 'hello world' })
  const loaded = Object.keys(Module._cache).some((file) => file.includes('tiktoken'))
  console.log(JSON.stringify({ count, loaded }))
`

const expected = {
  count: { input_tokens: 0, output_tokens: 2, token_source: 'tokenizer' },
  loaded: false,
}

describe('a process with a token counter', () => {
  let directory: string

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'token-counter-'))
    await mkdir(join(directory, 'src/tokens'), { recursive: true })
    await symlink(join(root, 'node_modules'), join(directory, 'node_modules'), 'dir')
    await writeFile(join(directory, 'package.json'), '{"type":"module"}')
    const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext }
    for (const source of sources) {
      const text = await readFile(join(root, `src/${source}.ts`), 'utf8')
      const compiled = ts.transpileModule(text, { compilerOptions }).outputText
      await writeFile(join(directory, `src/${source}.ts`), text)
      await writeFile(join(directory, `src/${source}.js`), compiled)
    }
  })

  after(() => rm(directory, { recursive: true, force: true }))

  /** Runs a program; rejects when it has not ended by itself, without an error, in time. */
  async function output(name: string, text: string, args: string[], env = {}): Promise<string> {
    await writeFile(join(directory, name), text)
    const options = { cwd: directory, timeout: 8000, env: { ...process.env, ...env } }
    const { stdout } = await run(process.execPath, [...args, name], options)
    return stdout
  }

  it('gets its count, loads no encoder itself, and ends by itself: run by tsx', async () => {
    const stdout = await output('run.ts', program('ts'), ['--import', 'tsx'])
    assert.deepEqual(JSON.parse(stdout), expected)
  })

  it('does so compiled, and keeps what the host preloads out of the worker', async () => {
    const preload = join(directory, 'preload.cjs')
    const text = "if (!require('worker_threads').isMainThread) console.log('in a worker')"
    await writeFile(preload, text)
    const env = { NODE_OPTIONS: `--require=${preload}` }
    const stdout = await output('run.js', program('js'), ['--require', preload], env)
    assert.deepEqual(JSON.parse(stdout), expected)
  })
})
