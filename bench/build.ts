import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist', 'bench')

/**
 * Builds the package as it is published, and these files beside it, so that what is measured runs
 * under plain Node. Answers where the built form of a bench file is.
 */
export function build(): (file: string) => string {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  })
  mkdirSync(out, { recursive: true })
  const compilerOptions = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext }
  for (const file of readdirSync(import.meta.dirname)) {
    if (!/(?<!\.d)\.ts$/.test(file)) continue
    const source = readFileSync(join(import.meta.dirname, file), 'utf8')
    const { outputText } = ts.transpileModule(source, { compilerOptions })
    writeFileSync(join(out, file.replace(/\.ts$/, '.js')), outputText)
  }
  return (file) => join(out, file)
}
