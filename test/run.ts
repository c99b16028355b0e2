/**
 * Runs all tests: a few folders in a process of their own, several processes at once on one MongoDB;
 * then, beside each other, those that mostly wait and are harmed by other work (`*.waiting.test.ts`);
 * then those that need the machine to themselves (`*.alone.test.ts`). What a process's tests say comes
 * when they have ended, and of failures once more at the end; with `TEST_CPU=1` also what CPU each
 * took. Arguments go to mocha: `npm test -- --grep budget`.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { shareTestMongo, stopTestMongo } from './helpers/mongo.js'

const given = process.argv.slice(2)
/** Who shares a process: to load everything takes seconds. Those that take longer go first. */
const apart: readonly (readonly string[])[] = [
  ['tap', 'simulator', 'e2e'],
  ['limits', 'security'],
  ['outbound'],
  ['store'],
  ['erasure'],
  ['ledger'],
  ['scripts', 'package', 'docs', 'proxy'],
]

const isShared = (file: string) => /(?<!\.alone|\.waiting)\.test\.ts$/.test(file)

const filesIn = (folder: string) => readdirSync(folder, { recursive: true }).map(String)

/** The folders of each process; those that nobody has named share the first, which takes longest. */
function groupsOf(): string[][] {
  const names = readdirSync('test', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => filesIn(`test/${name}`).some(isShared))
  const named = apart.flat()
  return [names.filter((name) => !named.includes(name)), ...apart]
    .map((group) => group.filter((name) => names.includes(name)))
    .filter((group) => group.length > 0)
}

/** What there is to know of each process that failed. */
const failures: string[] = []

/** Whether all went well. What it says comes at once, or when it has ended. */
function mocha(args: readonly string[], when: 'now' | 'ended'): Promise<boolean> {
  const child = spawn('mocha', [...args, ...given], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  const complaints: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => {
    said.push(chunk)
    if (when === 'now') process.stdout.write(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    complaints.push(chunk)
    process.stderr.write(chunk)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const all = Buffer.concat(said).toString()
      if (when === 'ended') process.stdout.write(all)
      if (code !== 0) {
        const tests = all.split(/^ *\d+ failing.*$/m)[1] ?? ''
        const complained = Buffer.concat(complaints).toString().slice(-2_000)
        failures.push(`${args.join(' ')}: ${code ?? signal}\n${tests}\n${complained}`)
      }
      resolve(code === 0)
    })
  })
}

async function runGroups(): Promise<boolean> {
  const left = groupsOf()
  let allWell = true
  const worker = async () => {
    for (let group = left.shift(); group !== undefined; group = left.shift()) {
      const files = group.map((name) => `test/${name}/**/*.test.ts`)
      const isWell = await mocha(
        [...files, '--ignore', 'test/**/*.{alone,waiting}.test.ts'],
        'ended',
      )
      allWell &&= isWell
    }
  }
  // More than there are cores: some wait for most of their time.
  await Promise.all(Array.from({ length: availableParallelism() + 2 }, worker))
  return allWell
}

async function runWaiting(): Promise<boolean> {
  const files = filesIn('test').filter((file) => file.endsWith('.waiting.test.ts'))
  const ended = await Promise.all(files.map((file) => mocha([`test/${file}`], 'ended')))
  return !ended.includes(false)
}

await shareTestMongo()
try {
  const isWell = [
    await runGroups(),
    await runWaiting(),
    await mocha(['test/**/*.alone.test.ts'], 'now'),
  ]
  process.exitCode = isWell.includes(false) ? 1 : 0
  for (const failure of failures) console.error(`\nOnce more, what failed in ${failure}`)
} finally {
  await stopTestMongo()
}
