import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createUsage, type Usage } from '../../src/index.js'
import { secret, startApp, type TestApp } from '../helpers/app.js'
import { quiet } from '../helpers/quiet.js'
import { until } from '../helpers/until.js'
import { documentsWith } from './everywhere.js'

const job = { operation_type: 'job', input_tokens: 5, output_tokens: 6 }

describe('erasing a person whom several instances have put aside', function () {
  this.timeout(100_000)
  let app: TestApp
  let others: Usage[]
  let dirs: string[]
  const warnings: string[] = []
  before(async () => {
    dirs = await Promise.all([1, 2, 3].map(() => mkdtemp(join(tmpdir(), 'erase-test-'))))
    const [dir = '', ...more] = dirs
    const logger = { ...quiet, warn: (text: string) => void warnings.push(text) }
    app = await startApp(() => undefined, { spool: { dir }, logger })
    const { connection } = app.database
    others = more.map((own) =>
      createUsage({
        ...{ connection, auth: { secret, algorithms: ['HS256'] }, logger: quiet },
        ...{ spool: { dir: own }, rollup: { enabled: false } },
      }),
    )
    await Promise.all(others.map((usage) => usage.ready()))
  })
  after(async () => {
    for (const usage of others) await usage.close()
    await app.close()
    for (const dir of dirs) await rm(dir, { recursive: true, force: true })
  })

  const validate = (validator: object) =>
    app.database.connection.db?.command({ collMod: 'usage_logs', validator })
  /** Undefined while a file gives way to another. */
  const lettersIn = async (dir: string): Promise<string | undefined> => {
    const names = await readdir(join(dir, 'dead-letters'))
    const texts = names.map((name) => readFile(join(dir, 'dead-letters', name), 'utf8'))
    try {
      return (await Promise.all(texts)).join('')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  it('is held up by no file that cannot be read, and says so once', async () => {
    const [dir = ''] = dirs
    const bad = join(dir, 'dead-letters', 'w-9-x.jsonl')
    await mkdir(bad, { recursive: true })
    for (const user_id of ['erin', 'fred']) {
      await app.usage.record({ ...job, user_id })
      await app.usage.flush()
      const { status, body } = await app.send('DELETE', `/users/${user_id}`)
      assert.deepEqual([status, body.status, body.operations], [200, 'erased', 1])
      const left = await documentsWith(app.database.connection, user_id)
      assert.ok(
        left.every((text) => text.startsWith('usage_erasures ')),
        left.join('\n'),
      )
    }
    const told = warnings.filter((text) => text.includes('put aside'))
    assert.equal(told.length, 1)
    assert.match(String(told[0]), /EISDIR/)
    await rm(bad, { recursive: true })
  })

  it('reaches all of them, also those that leave the jobs to others', async () => {
    await validate({ user_id: { $ne: 'frank' } })
    for (const usage of [app.usage, ...others]) {
      await usage.record({ ...job, user_id: 'frank' })
      await usage.flush()
    }
    await validate({})
    const { body } = await app.send('DELETE', '/users/frank')
    const isRenamed = async () => {
      const letters = await Promise.all(dirs.map(lettersIn))
      return letters.every(
        (text) => text?.includes(String(body.user_id)) === true && !text.includes('frank'),
      )
    }
    // Each looks once a minute.
    await until(isRenamed, 75_000)
  })
})
