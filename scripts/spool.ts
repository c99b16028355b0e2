import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ledgerDoor } from '../src/ledger/door.js'
import { letterOf, type DeadLetter } from '../src/ledger/spool/dead-letters.js'
import { layout } from '../src/ledger/spool/directory.js'
import { realFiles } from '../src/ledger/spool/files.js'
import { deadLetterSuffix, linesOf, rewriteLetters } from '../src/ledger/spool/letter-file.js'
import { bytesIn, countEvents } from '../src/ledger/spool/measure.js'
import { writeBatch, type LedgerDoor } from '../src/ledger/writer.js'
import { CommandError, parseCount, runCommand, terminal } from './command.js'
import { withStore } from './open-store.js'

const usage = `npm run spool -- list|inspect|retry [--dir ./data/spool] [--limit 20]
  list     what waits in the directory, per process, and what was put aside
  inspect  the events that MongoDB refused, one JSON line each
  retry    sends those again; what is refused again stays`

async function spool(): Promise<number> {
  const { action, dir, limit } = readArguments()
  await readdir(dir).catch((error: unknown) => {
    throw new CommandError(`--dir cannot be read: ${error instanceof Error ? error.message : dir}`)
  })
  if (action === 'list') return list(dir)
  if (action === 'inspect') return inspect(dir, limit)
  return retry(dir)
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        dir: { type: 'string', default: './data/spool' },
        limit: { type: 'string', default: '20' },
      },
      allowPositionals: true,
    })
    const [action, ...more] = positionals
    const isKnown = action === 'list' || action === 'inspect' || action === 'retry'
    if (!isKnown || more.length > 0) throw new Error(`It must be told what to do`)
    return { action, dir: values.dir, limit: parseCount('limit', values.limit, 1, 1_000_000) }
  } catch (error) {
    if (error instanceof CommandError) throw error
    const [reason] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new CommandError(`${reason ?? ''}.\nUsage: ${usage}`)
  }
}

/** Names in a directory; none where it is not there. */
async function names(path: string): Promise<string[]> {
  return (await readdir(path).catch(() => [])).sort()
}

async function list(dir: string): Promise<number> {
  for (const name of await names(dir)) {
    if (!name.startsWith(layout.writerPrefix)) continue
    const path = join(dir, name)
    const events = await countEvents(realFiles, path)
    const owner = await readFile(join(path, layout.owner), 'utf8').catch(() => '(no owner)')
    console.log(`${name}: ${events} events, ${await bytesIn(realFiles, path)} bytes, ${owner}`)
  }
  const letters = await readLetters(dir)
  console.log(`${letters.flatMap((file) => file.letters).length} events put aside as refused`)
  const damaged = await names(join(dir, layout.quarantine))
  console.log(`${damaged.length} damaged stretches in quarantine`)
  return 0
}

async function inspect(dir: string, limit: number): Promise<number> {
  const letters = (await readLetters(dir)).flatMap((file) => file.letters)
  for (const letter of letters.slice(0, limit)) console.log(JSON.stringify(letter))
  if (letters.length > limit) terminal.info(`${letters.length - limit} more: --limit`)
  return 0
}

interface LetterFile {
  readonly path: string
  readonly letters: readonly DeadLetter[]
}

async function readLetters(dir: string): Promise<LetterFile[]> {
  const files = await names(join(dir, layout.deadLetters))
  return Promise.all(
    files
      .filter((name) => name.includes(deadLetterSuffix))
      .map(async (name) => {
        const path = join(dir, layout.deadLetters, name)
        const lines = linesOf(await readFile(path, 'utf8'))
        return { path, letters: lines.flatMap((line) => letterOf(line) ?? []) }
      }),
  )
}

/** Lines that cannot be read stay. */
async function retry(dir: string): Promise<number> {
  const files = await readLetters(dir)
  if (files.length === 0) {
    console.log('Nothing was put aside.')
    return 0
  }
  const counts = { stored: 0, duplicates: 0, refused: 0 }
  await withStore(process.env, async (store) => {
    const door = ledgerDoor(store)
    const sent = async (lines: readonly string[]) => {
      const left: string[] = []
      for (const line of lines) {
        const letter = letterOf(line)
        const outcome = letter === undefined ? 'unreadable' : await send(door, letter)
        if (outcome !== 'unreadable') counts[outcome] += 1
        if (outcome === 'unreadable' || outcome === 'refused') left.push(line)
      }
      return left
    }
    for (const { path } of files) await rewriteLetters(realFiles, path, sent)
  })
  console.log(
    `${counts.stored} stored, ${counts.duplicates} were stored already, ${counts.refused} refused again`,
  )
  return counts.refused === 0 ? 0 : 1
}

/** One by one: what is wrong with one must not hold up another. */
async function send(door: LedgerDoor, { event }: DeadLetter): Promise<keyof Counts> {
  const tried = await writeBatch(door, [event], {})
  if ('retry' in tried) throw new CommandError(`MongoDB does not take it now: ${tried.retry}`)
  if (tried.done.refused.length > 0) return 'refused'
  return tried.done.stored === 1 ? 'stored' : 'duplicates'
}

interface Counts {
  stored: number
  duplicates: number
  refused: number
}

await runCommand(spool)
