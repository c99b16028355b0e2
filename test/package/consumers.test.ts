import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { badPaths, cjs, esm } from './hosts.js'
import { freshDatabase, type FreshDatabase } from '../helpers/mongo.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const place = join(root, 'test/.consumers')

const hosts = [
  {
    name: 'esm-express-5',
    program: { file: 'app.mjs', text: esm },
    express: 'express',
    mongoose: 'mongoose',
  },
  {
    name: 'esm-express-4',
    program: { file: 'app.mjs', text: esm },
    express: 'express4',
    mongoose: 'mongoose8',
  },
  {
    name: 'cjs-express-4',
    program: { file: 'app.cjs', text: cjs },
    express: 'express4',
    mongoose: 'mongoose',
  },
]
type HostApp = (typeof hosts)[number]

interface Report {
  me: { total_tokens: number }
  counted: string
  bad: [string, number, string][]
  others: [string, number][]
  health: string
  closed: { flushed: boolean; left_in_spool: number }
  stillOpen: number
  mongoose: string
}

describe('the packed package in a host of its own', function () {
  this.timeout(120_000)
  let database: FreshDatabase
  let reports: Map<string, Promise<Report>>

  before(async () => {
    database = await freshDatabase()
    await rm(place, { recursive: true, force: true })
    await mkdir(place, { recursive: true })
    // Types are what `npm run typecheck` is for.
    const build = ['--import', 'tsx', 'scripts/build.ts', '--no-check']
    await run(process.execPath, build, { cwd: root })
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', place], { cwd: root })
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      version: string
    }
    await run('tar', ['-xzf', `express-ai-usage-${version}.tgz`], { cwd: place })
    // Mostly they start; at once they take half the time. Each test awaits its own.
    reports = new Map(hosts.map((host) => [host.name, consume(host)]))
    await Promise.allSettled(reports.values())
  })
  after(async () => {
    await database.drop()
    await rm(place, { recursive: true, force: true })
  })

  /** A folder with the package, this Express and this mongoose, and a program; what it printed. */
  async function consume({ name, program, express, mongoose }: HostApp) {
    const folder = join(place, name)
    await mkdir(join(folder, 'node_modules'), { recursive: true })
    await run('cp', ['-r', join(place, 'package'), join(folder, 'node_modules/express-ai-usage')])
    await symlink(join(root, 'node_modules', express), join(folder, 'node_modules/express'))
    await symlink(join(root, 'node_modules', mongoose), join(folder, 'node_modules/mongoose'))
    await writeFile(join(folder, program.file), program.text)
    const env = {
      ...process.env,
      MONGODB_URI: database.uri.replace(
        database.name,
        `${database.name}_${name.replaceAll('-', '_')}`,
      ),
      JWT_SECRET: 'v8ZqN3tR7yWk2LmP9xCd5FgHb6JsQa4E',
      BAD_PATHS: JSON.stringify(badPaths),
    }
    const { stdout } = await run(process.execPath, [program.file], {
      cwd: folder,
      env,
      timeout: 60_000,
    })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Report
  }

  for (const { name, mongoose } of hosts) {
    it(`meters, answers and refuses bad input: ${name}, ${mongoose}`, async () => {
      const report = await reports.get(name)
      assert.ok(report)
      assert.equal(report.me.total_tokens, 7)
      assert.equal(report.counted, 'tokenizer')
      assert.equal(report.health, 'ok')
      assert.deepEqual(report.closed, { flushed: true, left_in_spool: 0 })
      assert.equal(report.stillOpen, 1)
      const wrong = report.bad.filter(
        ([, status, type]) => status !== 400 || !type.startsWith('application/problem+json'),
      )
      assert.deepEqual(wrong, [])
      assert.deepEqual(report.others, [
        ['/me', 401],
        ['/global', 403],
        ['/nowhere', 404],
        ['/me', 405],
        ['/%E0%A4%A', 404],
        ['/user/%E0%A4%A', 400],
        ['/docs', 200],
        ['/openapi.yaml', 200],
        ['/events', 400],
      ])
    })
  }

  it('declares and imports nothing that a host has not got', async () => {
    const { dependencies, peerDependencies } = JSON.parse(
      await readFile(join(root, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'peerDependencies', Record<string, string>>
    const known = Object.keys({ ...dependencies, ...peerDependencies })
    const files = (await readdir(join(place, 'package/dist'), { recursive: true })).filter((file) =>
      /\.d\.ts$|\.js$/.test(file),
    )
    assert.ok(files.includes('src/index.js') && files.includes('src/index.d.ts'))
    for (const file of files) {
      const text = await readFile(join(place, 'package/dist', file), 'utf8')
      for (const { fileName: name } of ts.preProcessFile(text, true, true).importedFiles) {
        if (name.startsWith('.')) continue
        const isKnown = isBuiltin(name) || known.some((one) => `${name}/`.startsWith(`${one}/`))
        assert.ok(isKnown, `${file} imports ${name}`)
      }
    }
  })

  it('brings the licences of what is built into it', async () => {
    const text = await readFile(join(place, 'package/dist/LICENCES-OF-INLINED.txt'), 'utf8')
    for (const name of ['luxon', 'zod']) assert.match(text, new RegExp(`^${name}$`, 'm'))
    assert.equal(text.match(/Permission is hereby granted/g)?.length, 2)
  })

  it('type-checks in a TypeScript host', async () => {
    const folder = join(place, 'typescript')
    await mkdir(join(folder, 'node_modules'), { recursive: true })
    await run('cp', ['-r', join(place, 'package'), join(folder, 'node_modules/express-ai-usage')])
    await writeFile(
      join(folder, 'app.ts'),
      `
import express from 'express'
import mongoose from 'mongoose'
import { createUsage, UsageError, type Usage } from 'express-ai-usage'
const usage: Usage = createUsage({ connection: mongoose.connection, auth: { secret: 'x', algorithms: ['HS256'] } })
const app = express()
app.use(usage.track())
app.use('/ai/usage', usage.router())
app.get('/health', usage.health())
app.post('/x', usage.track({ type: 'x' }), (req, res) => { usage.annotate(req, { model: 'm' }); res.end() })
export const failed = (error: unknown) => error instanceof UsageError && error.code === 'conflict'
// @ts-expect-error no such option
createUsage({ mongoUri: 'mongodb://localhost', nonsense: true })
`,
    )
    const flags = [
      '--strict',
      '--noEmit',
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--skipLibCheck',
      'false',
      '--types',
      'node',
    ]
    await run(process.execPath, [tsc, ...flags, 'app.ts'], { cwd: folder }).catch(
      (error: unknown) => {
        const own = String((error as { stdout?: string }).stdout)
          .split('\n')
          .filter((line) => /^(app\.ts|node_modules\/express-ai-usage)/.test(line))
        assert.deepEqual(own, [])
      },
    )
  })
})
