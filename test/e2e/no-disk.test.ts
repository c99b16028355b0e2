import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { bearer, startApp } from '../helpers/app.js'

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

describe('an app whose spool has no directory', function () {
  this.timeout(30_000)
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'no-disk-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  /** How many of so many requests are in memory still, after all has been written. */
  const held = async (spool: string, count: number, begin = () => Promise.resolve()) => {
    const requests: WeakRef<object>[] = []
    const app = await startApp(
      (host, usage) => {
        host.post('/ai/chat', (req, res) => {
          requests.push(new WeakRef(req))
          usage.annotate(req, { input_tokens: 3, output_tokens: 4 })
          res.json({ ok: true })
        })
      },
      { spool: { dir: spool } },
    )
    await begin()
    const headers = bearer('alice')
    for (let index = 0; index < count; index++) {
      await (await fetch(`${app.url}/ai/chat`, { method: 'POST', headers })).text()
    }
    await app.usage.flush()
    await sleep(500)
    collect()
    await sleep(50)
    collect()
    const left = requests.filter((one) => one.deref() !== undefined).length
    await app.close()
    return left
  }

  it('holds no request in memory where none can be made', async () => {
    await writeFile(join(dir, 'file'), 'no directory')
    const left = await held(join(dir, 'file'), 200)
    assert.ok(left < 20, `${left} of 200 are held`)
  })

  it('holds none where it was removed while running', async () => {
    const spool = join(dir, 'spool')
    const left = await held(spool, 200, async () => {
      // In one step: what the app writes meanwhile would keep a directory from being removed.
      await rename(spool, join(dir, 'removed'))
      await rm(join(dir, 'removed'), { recursive: true })
      await sleep(6_000)
    })
    assert.ok(left < 20, `${left} of 200 are held`)
  })
})
