/**
 * Builds what is published into `dist`: one module of our code with `inlined` in it, so that a host
 * loads one file instead of five hundred, and of those packages only what is used; the thread that
 * counts tokens; and the declarations that the module's lead to. With `--no-check`, types are not
 * checked.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build as bundle, type BuildOptions } from 'esbuild'

/** Packages of which we use a part, and whose whole costs a host some megabytes of memory. */
const inlined = ['luxon', 'zod']

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

interface Manifest {
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
}

function externals(): string[] {
  const file = readFileSync(join(root, 'package.json'), 'utf8')
  const { dependencies, peerDependencies } = JSON.parse(file) as Manifest
  return Object.keys({ ...dependencies, ...peerDependencies })
}

async function buildModules(): Promise<void> {
  const options = {
    ...{ absWorkingDir: root, outdir: join(dist, 'src'), bundle: true, metafile: true },
    ...{ platform: 'node', format: 'esm', target: 'node20.19', external: externals() },
    // Names stay as they are, for those who read a stack.
    ...{ minifyWhitespace: true, minifySyntax: true, sourcemap: true, legalComments: 'none' },
  } satisfies BuildOptions
  const built = await Promise.all([
    bundle({ ...options, entryPoints: ['src/index.ts'], splitting: true }),
    bundle({ ...options, entryPoints: ['src/tokens/worker.ts'] }),
  ])
  const inputs = built.flatMap(({ metafile }) => Object.keys(metafile.inputs))
  const packages = inputs.flatMap(
    (path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  )
  const unexpected = packages.find((name) => !inlined.includes(name))
  if (unexpected !== undefined) throw new Error(`${unexpected} is neither a dependency nor inlined`)
}

/** The licences of what is inlined go with it. */
function writeLicences(): void {
  const texts = inlined.map((name) => {
    const folder = join(root, 'node_modules', name)
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
    if (file === undefined) throw new Error(`${name} has no licence`)
    return `${name}\n\n${readFileSync(join(folder, file), 'utf8')}`
  })
  writeFileSync(join(dist, 'LICENCES-OF-INLINED.txt'), texts.join('\n\n'))
}

function buildDeclarations(flags: readonly string[]): void {
  const all = join(dist, 'declarations')
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', all, ...flags], {
    cwd: root,
    stdio: 'inherit',
  })
  for (const file of reachable(all, 'src/index.d.ts')) {
    mkdirSync(dirname(join(dist, file)), { recursive: true })
    cpSync(join(all, file), join(dist, file))
  }
  rmSync(all, { recursive: true })
}

/** A declaration file and all that it leads to. */
function reachable(folder: string, first: string): Set<string> {
  const found = new Set([first])
  for (const file of found) {
    const text = readFileSync(join(folder, file), 'utf8')
    for (const [, path = ''] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)\.js['"]/g))
      found.add(join(dirname(file), `${path}.d.ts`))
  }
  return found
}

rmSync(dist, { recursive: true, force: true })
buildDeclarations(process.argv.includes('--no-check') ? ['--noCheck'] : [])
await buildModules()
writeLicences()
