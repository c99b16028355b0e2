import assert from 'node:assert/strict'
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Request, Response } from 'express'
import { bearer } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'
import {
  closed,
  frameworks,
  startStand,
  type Framework,
  type Host,
  type Side,
  type Stand,
} from './stand.js'
import { exchange, leave, requestText, sameAnswer, undated } from './wire.js'

const completion = payload('openai-chat/completion.json')
const operations = [{ path: '/t/:name', type: 'case', estimateTokens: 0 }]
const indexOf = (req: Request) => Number(req.query.n)

type Note = (what: unknown) => void

/** Handlers by path; `note` is kept per path. */
const handlers: Record<string, (req: Request, res: Response, note: Note) => unknown> = {
  json: (_req, res) => res.type('json').send(completion),
  pipelined: async (req, res, note) => {
    note(indexOf(req))
    await sleep((indexOf(req) * 7) % 5)
    res.json({ n: indexOf(req) })
  },
  stuck: async (req, res, note) => {
    note(indexOf(req))
    // The fifth is never answered before the client leaves; those after it wait for their turn.
    if (indexOf(req) === 5) await closed(req, res)
    res.write('begun')
    res.end()
  },
  'left in the middle': async (req, res, note) => {
    res.type('text/event-stream').write('data: {"delta":"begun"}\n\n')
    await closed(req, res)
    note(res.write('data: {"delta":"too late"}\n\n'))
    res.end()
  },
  'left before the first byte': async (req, res, note) => {
    await closed(req, res)
    note(res.write('too late'))
    res.json({ ok: false })
  },
  expect: (_req, res) => res.json({ ok: true }),
}

function mount({ app, meter, note, server }: Host): void {
  app.use((req, _res, next) => {
    // A host that takes its time before the meter sees the request.
    if (req.path === '/t/late') setTimeout(next, 40)
    else next()
  })
  meter()
  app.get('/t/late', (_req, res) => res.json({ ok: true }))
  app.all('/t/:name', (req, res, next) => {
    const work = handlers[decodeURIComponent(req.params.name)]
    Promise.resolve(work?.(req, res, (what) => note(req.params.name, what))).catch(next)
  })
  server.on('upgrade', (_req, socket) => {
    socket.end(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nhello',
    )
  })
}

for (const framework of Object.keys(frameworks) as Framework[]) {
  describe(`connections of a metered app on ${framework}`, function () {
    this.timeout(10_000)
    let stand: Stand
    const warnings: string[] = []
    const onWarning = (warning: Error) => warnings.push(warning.message)
    before(async () => {
      process.on('warning', onWarning)
      stand = await startStand(framework, mount, { operations })
    })
    after(async () => {
      await stand.close()
      process.off('warning', onWarning)
      assert.deepEqual(warnings, [])
    })
    const sides = () => [stand.bare, stand.metered]

    it('records 200 requests of one kept connection, and leaves no listeners on it', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const headers = bearer('keeper')
      const ports = new Set<number | undefined>()
      for (let n = 0; n < 200; n++) {
        await new Promise<void>((resolve, reject) => {
          get(`${stand.metered.url}/t/json`, { agent, headers }, (res) => {
            ports.add(res.socket.localPort)
            res.resume().once('end', resolve)
          }).once('error', reject)
        })
      }
      agent.destroy()
      assert.equal(ports.size, 1)
      const events = await stand.events('keeper')
      assert.equal(events.length, 200)
      assert.ok(events.every((event) => event.status === 'ok' && event.tokens_used === 1163))
    })

    it('answers 20 pipelined requests in order, each recorded once', async () => {
      const text = Array.from({ length: 20 }, (_, n) =>
        requestText({ user: 'piper', path: `/t/pipelined?n=${n}`, last: n === 19 }),
      ).join('')
      const [bare, metered] = await Promise.all(sides().map((side) => exchange(side, text)))
      assert.equal(undated(metered ?? Buffer.alloc(0)), undated(bare ?? Buffer.alloc(0)))
      const order = Array.from(metered?.toString().matchAll(/"n":(\d+)/g) ?? [], (match) =>
        Number(match[1]),
      )
      assert.deepEqual(
        order,
        Array.from({ length: 20 }, (_, n) => n),
      )
      const events = await stand.events('piper')
      assert.equal(events.length, 20)
      assert.ok(events.every((event) => event.status === 'ok'))
    })

    it('records every begun request once when a pipelining client leaves', async () => {
      const text = Array.from({ length: 20 }, (_, n) =>
        requestText({ user: 'leaver', path: `/t/stuck?n=${n}`, last: false }),
      ).join('')
      const answered = (received: string) => received.split('begun').length > 5
      const counts = async ({ notes }: Side, path: string) => {
        await sleep(100)
        return notes(path).length
      }
      for (const side of sides()) await leave(side, text, answered)
      const begun = await counts(stand.metered, 'stuck')
      assert.equal(begun, await counts(stand.bare, 'stuck'))
      assert.equal(begun, 20)
      const events = await stand.events('leaver')
      assert.equal(events.length, begun)
      assert.equal(events.filter((event) => event.status === 'ok').length, 5)
      assert.equal(events.filter((event) => event.status === 'aborted').length, 15)
    })

    it('records a client that leaves in the middle, with what it was sent', async () => {
      const ask = { user: 'middle', path: '/t/left%20in%20the%20middle' }
      for (const side of sides())
        await leave(side, requestText(ask), (text) => text.includes('begun'))
      const event = await stand.event('middle')
      assert.equal(event.status, 'aborted')
      assert.equal(event.error_type, 'aborted')
      assert.equal(event.success, false)
      assert.equal(event.response_bytes, 'data: {"delta":"begun"}\n\n'.length)
      await sleep(20)
      const key = 'left in the middle'
      assert.deepEqual(stand.metered.notes(key), stand.bare.notes(key))
      assert.equal(stand.metered.notes(key).length, 1)
    })

    it('records a client that leaves before the first byte', async () => {
      const ask = { user: 'early', path: '/t/left%20before%20the%20first%20byte' }
      for (const side of sides()) {
        await leave(
          side,
          requestText(ask),
          () => true,
          (socket) => setTimeout(() => socket.destroy(), 20),
        )
      }
      const event = await stand.event('early')
      assert.equal(event.status, 'aborted')
      assert.equal(event.response_bytes, 0)
      const key = 'left before the first byte'
      for (let tries = 0; tries < 20 && stand.metered.notes(key).length < 1; tries++) await sleep(5)
      assert.deepEqual(stand.metered.notes(key), stand.bare.notes(key))
    })

    it('records a client that left before the meter saw its request', async () => {
      const text = requestText({ user: 'gone', path: '/t/late' })
      await leave(
        stand.metered,
        text,
        () => true,
        (socket) => setTimeout(() => socket.destroy(), 10),
      )
      await sleep(60)
      assert.equal((await stand.event('gone')).status, 'aborted')
    })

    it('leaves upgrades alone', async () => {
      const headers = { upgrade: 'echo', connection: 'Upgrade' }
      const answer = await sameAnswer(stand, {
        user: 'upgrader',
        path: '/t/expect',
        headers,
        last: false,
      })
      assert.match(answer, /^HTTP\/1\.1 101 .*hello$/s)
      assert.deepEqual(await stand.events('upgrader'), [])
    })

    it('says 100 Continue as without us, and reads nothing of the body', async () => {
      const headers = { expect: '100-continue' }
      const ask = {
        user: 'poster',
        path: '/t/expect',
        method: 'POST',
        headers,
        body: '{"message":"hi"}',
      }
      const answer = await sameAnswer(stand, ask)
      assert.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
      assert.equal((await stand.event('poster')).request_bytes, 16)
    })

    it('answers a malformed request as without us', async () => {
      const text = 'GET /t/json HTTP/1.1\r\nbroken\r\n\r\n'
      const [bare, metered] = await Promise.all(sides().map((side) => exchange(side, text)))
      assert.deepEqual(metered, bare)
    })
  })
}
