/** Hooks of Node's loader: imports of the project's `.js` find the `.ts`, which is compiled when it has changed. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, URL } from 'node:url'

const root = new URL('../../', import.meta.url).href
const installed = `${root}node_modules/`
const cache = join(tmpdir(), `express-ai-usage-tests-${String(process.getuid?.() ?? '')}`)
const isOurs = (url) => url?.startsWith(root) === true && !url.startsWith(installed)
const hashOf = (text) => createHash('sha256').update(text).digest('hex')

export function resolve(specifier, context, next) {
  if (!/^\.{1,2}\/.*\.js$/.test(specifier) || !isOurs(context.parentURL)) {
    return next(specifier, context)
  }
  const { href: url } = new URL(specifier.replace(/js$/, 'ts'), context.parentURL)
  if (!existsSync(fileURLToPath(url))) return next(specifier, context)
  return { url, format: 'module', shortCircuit: true }
}

export async function load(url, context, next) {
  const [file = ''] = url.split('?')
  if (!file.endsWith('.ts') || !isOurs(url)) return next(url, context)
  return { format: 'module', source: await compiled(fileURLToPath(file)), shortCircuit: true }
}

/** One file is kept per source, with the hash of what it was made from in its last line. */
async function compiled(path) {
  const source = readFileSync(path, 'utf8')
  const file = join(cache, `${hashOf(path)}.js`)
  const mark = `\n//${hashOf(source)}`
  const known = readIfAny(file)
  if (known?.endsWith(mark)) return known
  const text = (await transpile(path, source)) + mark
  mkdirSync(cache, { recursive: true })
  writeFileSync(`${file}.${process.pid}`, text)
  renameSync(`${file}.${process.pid}`, file)
  return text
}

function readIfAny(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

async function transpile(path, source) {
  const { transform } = esbuild()
  const { code } = await transform(source, {
    loader: 'ts',
    format: 'esm',
    target: 'es2023',
    sourcefile: basename(path),
    sourcemap: 'inline',
    sourcesContent: false,
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  })
  return code
}

/** The one that tsx has. */
function esbuild() {
  const { resolve } = createRequire(import.meta.url)
  return createRequire(resolve('tsx'))('esbuild')
}
