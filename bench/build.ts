import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { buildSync } from 'esbuild'

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist', 'bench')
/** What runs in processes of its own. */
const programs = ['server', 'load', 'ingest', 'outbound', 'reserve', 'backlog-app']

/**
 * Builds the package as it is published, and the programs of the bench beside it, so that what is
 * measured runs under plain Node. Answers where the built form of a bench file is.
 */
export function build(): (file: string) => string {
  const args = ['--import', 'tsx', 'scripts/build.ts', '--no-check']
  execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  buildSync({
    entryPoints: programs.map((name) => join(root, 'bench', `${name}.ts`)),
    outdir: out,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    packages: 'external',
    external: ['../src/index.js'],
  })
  return (file) => join(out, file)
}
