/**
 * Holds what the last `npm test` covered against the bounds of `.c8rc.json`, and says which files
 * lack most. Runs the tests first where that is not of the files as they are now.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

type Measure = 'lines' | 'functions'
type Summary = Record<string, Record<Measure, { pct: number }>>

const root = join(import.meta.dirname, '..')
const summaryFile = join(root, 'coverage/coverage-summary.json')
const watched = ['src', 'middleware', 'routes', 'models', 'scripts', 'test', 'package-lock.json']

function* filesOf(path: string): Generator<string> {
  if (!statSync(path).isDirectory()) yield path
  else for (const name of readdirSync(path)) yield* filesOf(join(path, name))
}

function isCurrent(): boolean {
  const at = statSync(summaryFile, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return watched.every((name) =>
    [...filesOf(join(root, name))].every((file) => statSync(file).mtimeMs < at),
  )
}

const json = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

if (!isCurrent()) {
  const { status } = spawnSync('npm', ['test'], { cwd: root, stdio: 'inherit', shell: true })
  if (status !== 0) process.exit(status ?? 1)
}
const { total, ...files } = json(summaryFile) as Summary
const bounds = json(join(root, '.c8rc.json')) as Record<Measure, number>
for (const measure of ['lines', 'functions'] as const) {
  const covered = total?.[measure].pct ?? 0
  console.log(`${measure} ${covered} %, at least ${bounds[measure]}`)
  if (!(covered >= bounds[measure])) process.exitCode = 1
}
const worst = Object.entries(files).sort(([, a], [, b]) => a.lines.pct - b.lines.pct)
for (const [file, { lines }] of worst.slice(0, 5))
  console.log(`  ${relative(root, file)} lines ${lines.pct} %`)
