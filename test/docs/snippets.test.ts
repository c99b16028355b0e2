import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import express, { type Express } from 'express'
import ts from 'typescript'
import type { Usage } from '../../src/index.js'
import { bearer, listen, secret } from '../helpers/app.js'
import { freshDatabase } from '../helpers/mongo.js'
import { codeBlocks, document } from './documents.js'
import { complaints } from './types.js'

const require = createRequire(import.meta.url)
const readme = document('README.md')
const snippets = codeBlocks(readme)
  .filter(({ language }) => language === 'ts')
  .map(({ code }) => code)

/** What later snippets take over from the first. */
const prelude = `
import type { Express } from 'express'
import type { Usage } from 'express-ai-usage'
declare global {
  const app: Express
  const usage: Usage
}`

interface Mounted {
  app: Express
  usage: Usage
}

/** Runs a snippet that declares `app` and `usage`, on our sources, and answers both. */
async function run(snippet: string): Promise<Mounted> {
  const { outputText } = ts.transpileModule(`${snippet}\nexport { app, usage }\n`, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
  })
  const ours = new URL('../../src/index.ts', import.meta.url).href
  const text = outputText
    .replace(`'express-ai-usage'`, `'${ours}'`)
    .replace(`'express'`, `'${pathToFileURL(require.resolve('express')).href}'`)
  const folder = await mkdtemp(join(tmpdir(), 'readme-'))
  try {
    const file = join(folder, 'snippet.mjs')
    await writeFile(file, text)
    return (await import(pathToFileURL(file).href)) as Mounted
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('the snippets of the README', () => {
  it('compile', function () {
    this.timeout(120_000)
    assert.ok(snippets.length >= 5)
    assert.deepEqual(complaints(snippets, prelude), [])
  })

  it('mount the meter in at most ten lines, which meter a request', async () => {
    const [mount = ''] = snippets
    assert.ok(mount.trimEnd().split('\n').length <= 10)
    const database = await freshDatabase()
    const before = { ...process.env }
    Object.assign(process.env, { MONGODB_URI: database.uri, JWT_SECRET: secret })
    const { app, usage } = await run(mount).finally(() => {
      process.env = before
    })
    await usage.ready()
    app.post('/ai/chat', express.json(), (_req, res) => {
      res.json({ reply: 'Hi', usage: { prompt_tokens: 3, completion_tokens: 4 } })
    })
    const server = createServer(app)
    const url = await listen(server)
    try {
      const headers = bearer('reader')
      assert.equal((await fetch(`${url}/ai/chat`, { method: 'POST', headers })).status, 200)
      await usage.flush()
      const me = (await (await fetch(`${url}/ai/usage/me`, { headers })).json()) as object
      assert.equal('total_tokens' in me && me.total_tokens, 7)
    } finally {
      server.closeAllConnections()
      server.close()
      assert.deepEqual(await usage.close(), { flushed: true, left_in_spool: 0 })
      await database.drop()
    }
  })

  it('show JSON that parses', () => {
    const blocks = codeBlocks(readme).filter(({ language }) => language === 'json')
    assert.ok(blocks.length >= 2)
    for (const { code } of blocks) assert.doesNotThrow(() => JSON.parse(code) as unknown, code)
  })
})

describe('the commands that the documents name', () => {
  it('exist in package.json', () => {
    const { scripts } = JSON.parse(document('package.json')) as { scripts: Record<string, string> }
    const builtIn = ['install', 'start', 'test']
    const text = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'].map(document).join('\n')
    const named = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = '']) => name)
    assert.ok(named.length > 5)
    assert.deepEqual(
      named.filter((name) => !(name in scripts)),
      [],
    )
    const others = [...text.matchAll(/\bnpm (?!run\b|registry\b)([a-z]+)/g)].map(
      ([, name = '']) => name,
    )
    assert.deepEqual(
      others.filter((name) => !builtIn.includes(name)),
      [],
    )
    assert.ok('start' in scripts && 'test' in scripts)
  })

  it('run files that exist', () => {
    const { scripts } = JSON.parse(document('package.json')) as { scripts: Record<string, string> }
    const files = Object.values(scripts).flatMap(
      (line) => line.match(/(?<=\s)[\w/-]+\.ts\b/g) ?? [],
    )
    for (const file of files) assert.doesNotThrow(() => document(file), file)
  })

  it('include npm test as the way to test', () => {
    const shell = codeBlocks(readme).filter(({ language }) => language === 'sh')
    assert.ok(shell.some(({ code }) => /^npm test$/m.test(code)))
  })
})
