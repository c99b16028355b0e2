/**
 * Runs all tests: those of each folder in a process of its own, several at once on one MongoDB, then
 * those that need the machine to themselves (`*.alone.test.ts`). What a folder's tests say comes when
 * they have ended; with `TEST_CPU=1` also what CPU each took. Arguments go to mocha:
 * `npm test -- --grep budget`.
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { shareTestMongo, stopTestMongo } from './helpers/mongo.js'

const given = process.argv.slice(2)
/** What takes longest goes first. */
const first = [
  ...['scripts', 'outbound', 'store', 'package', 'limits', 'security', 'tap', 'ledger'],
  ...['simulator', 'proxy', 'e2e', 'erasure'],
]

const isShared = (file: string | Buffer) => /(?<!\.alone)\.test\.ts$/.test(String(file))

function foldersOf(): string[] {
  const names = readdirSync('test', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => readdirSync(`test/${name}`, { recursive: true }).some(isShared))
  const place = (name: string) => (first.includes(name) ? first.indexOf(name) : first.length)
  return names.sort((a, b) => place(a) - place(b))
}

/** Whether all went well. What it says comes at once, or when it has ended. */
function mocha(args: readonly string[], when: 'now' | 'ended'): Promise<boolean> {
  const child = spawn('mocha', [...args, ...given], {
    stdio: ['ignore', when === 'now' ? 'inherit' : 'pipe', 'inherit'],
  })
  const said: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => said.push(chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      process.stdout.write(Buffer.concat(said))
      resolve(code === 0)
    })
  })
}

async function runFolders(): Promise<boolean> {
  const left = foldersOf()
  let allWell = true
  const worker = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const ignored = ['--ignore', 'test/**/*.alone.test.ts']
      const isWell = await mocha([`test/${name}/**/*.test.ts`, ...ignored], 'ended')
      allWell &&= isWell
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker))
  return allWell
}

await shareTestMongo()
try {
  const isWell = await runFolders()
  const isAloneWell = await mocha(['test/**/*.alone.test.ts'], 'now')
  process.exitCode = isWell && isAloneWell ? 0 : 1
} finally {
  await stopTestMongo()
}
