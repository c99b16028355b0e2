import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DeadLetters, type Rewriting } from '../../../src/ledger/spool/dead-letters.js'
import { realFiles, type SpoolFiles } from '../../../src/ledger/spool/files.js'
import { event, freshDir, removeDirs } from './support.js'

/** Puts a pseudonym in the place of somebody. */
const erasing = (userId: string): Rewriting => ({
  userIds: [userId],
  change: (one) => (one.user_id === userId ? { ...one, user_id: 'erased:x' } : undefined),
})
const refused = (id: string, user_id: string) => ({ event: event(id, { user_id }), code: 'c' })

describe('rewriting events that were put aside', () => {
  let dir: string
  let aside: string
  beforeEach(async () => {
    dir = await freshDir()
    aside = join(dir, 'dead-letters')
  })
  after(removeDirs)

  const letters = (files: SpoolFiles = realFiles, writer = 'w-12345-abcdefabcdef') =>
    new DeadLetters(files, dir, writer)
  const lines = async () => {
    const names = await readdir(aside)
    const texts = names.map((name) => readFile(join(aside, name), 'utf8'))
    const found = (await Promise.all(texts)).join('').split('\n')
    return found.filter((line) => line !== '').sort()
  }
  const users = async () =>
    (await lines())
      .map((line) => (JSON.parse(line) as { event: { user_id: string } }).event.user_id)
      .sort()

  it('may be done any number of times', async () => {
    const own = letters()
    const people = Array.from({ length: 40 }, (_, index) => `user-${index}`)
    await own.add(
      people.map((name) => refused(name, name)),
      0,
    )
    for (const name of people) assert.deepEqual(await own.rewrite(erasing(name)), [])
    assert.deepEqual(
      await users(),
      people.map(() => 'erased:x'),
    )
    const [name = ''] = await readdir(aside)
    assert.ok(name.length < 40, name)
  })

  it('goes on where a file cannot be read, and says so', async () => {
    await mkdir(join(aside, 'w-1-a.jsonl'), { recursive: true })
    await letters().add([refused('1', 'alice')], 0)
    assert.deepEqual(await letters().rewrite(erasing('alice')), ['EISDIR'])
    await rm(join(aside, 'w-1-a.jsonl'), { recursive: true })
    assert.deepEqual(await users(), ['erased:x'])
  })

  it('fails nowhere when nothing was put aside, or another has taken the file', async () => {
    assert.deepEqual(await letters().rewrite(erasing('alice')), [])
    await letters().add([refused('1', 'alice')], 0)
    const rename = async (from: string, to: string) => {
      await realFiles.rename(from, `${from}.other`)
      return realFiles.rename(from, to)
    }
    const slow: SpoolFiles = { ...realFiles, rename: rename as SpoolFiles['rename'] }
    assert.deepEqual(await letters(slow).rewrite(erasing('alice')), [])
    assert.deepEqual(await users(), ['alice'])
  })

  it('keeps what is written by somebody who had the file open before', async () => {
    await letters().add([refused('1', 'alice')], 0)
    const [name = ''] = await readdir(aside)
    const other = await realFiles.open(join(aside, name), 'a')
    const late = JSON.stringify({ code: 'c', at: '', event: event('2', { user_id: 'bob' }) })
    let isWritten = false
    const write = realFiles.writeFile as (...args: unknown[]) => Promise<void>
    const writeFile = async (...args: unknown[]) => {
      await write(...args)
      if (isWritten) return
      isWritten = true
      await other.appendFile(`${late}\n`)
      await other.close()
    }
    const slow: SpoolFiles = { ...realFiles, writeFile: writeFile as SpoolFiles['writeFile'] }
    assert.deepEqual(await letters(slow, 'w-2-b').rewrite(erasing('alice')), [])
    assert.deepEqual(await users(), ['bob', 'erased:x'])
  })

  it('keeps the file as it was while there is no room for another', async () => {
    await letters().add([refused('1', 'alice'), refused('2', 'bob')], 0)
    const before = await lines()
    const writeFile = () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    const full: SpoolFiles = { ...realFiles, writeFile }
    assert.deepEqual(await letters(full).rewrite(erasing('alice')), ['ENOSPC'])
    assert.deepEqual(await lines(), before)
    assert.deepEqual(await letters().rewrite(erasing('alice')), [])
    assert.deepEqual(await users(), ['bob', 'erased:x'])
  })

  it('finds whole the event that follows one of which the disk took half', async () => {
    let isFull = true
    const append = realFiles.appendFile as (...args: unknown[]) => Promise<void>
    const appendFile = async (path: string, text: string, options: object) => {
      if (!isFull) return append(path, text, options)
      await append(path, text.slice(0, 40), options)
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    }
    const own = letters({ ...realFiles, appendFile: appendFile as SpoolFiles['appendFile'] })
    await assert.rejects(own.add([refused('1', 'carol')], 0))
    isFull = false
    await own.add([refused('2', 'alice')], 0)
    assert.deepEqual(await own.rewrite(erasing('alice')), [])
    const [letter = '', half = ''] = (await lines()).sort((a, b) => b.length - a.length)
    assert.match(letter, /^\{"code":"c".*"user_id":"erased:x"/)
    assert.equal(half.length, 40)
  })

  it('leaves no name in lines that cannot be read, and loses no event behind them', async () => {
    await mkdir(aside, { recursive: true })
    const whole = (user_id: string) =>
      JSON.stringify({ code: 'c', at: '2026-06-20T12:00:00Z', event: event('1', { user_id }) })
    const half = whole('alice').slice(0, -30)
    await writeFile(join(aside, 'w-1-a.jsonl'), `${half}${whole('bob')}\n${half}\n`)
    assert.deepEqual(await letters().rewrite(erasing('alice')), [])
    assert.deepEqual(await users(), ['bob'])
  })
})
