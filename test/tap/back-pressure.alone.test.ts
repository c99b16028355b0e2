import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Response } from 'express'
import { startStand, type Host, type Side, type Stand } from './stand.js'
import { requestText } from './wire.js'

const mebibyte = 1024 * 1024
const totalBytes = 64 * mebibyte
/**
 * Memory is looked at once in so many bytes, as a collection of the garbage of all tests takes long.
 * What is held back exceeds the bound long before the last look.
 */
const sampleBytes = 16 * mebibyte
const chunks: Record<string, Buffer> = {
  'application/octet-stream': Buffer.alloc(64 * 1024, 'x'),
  'text/event-stream': Buffer.from(`: ${'x'.repeat(64 * 1024 - 4)}\n\n`),
  'application/json': Buffer.alloc(64 * 1024, ' '),
}

/** Writes 64 MiB as fast as the client reads, and notes how often it had to wait and what was held. */
async function pour(res: Response, type: string, note: (what: unknown) => void): Promise<void> {
  const chunk = chunks[type] ?? Buffer.alloc(0)
  let waits = 0
  let mostHeld = 0
  const atStart = memory()
  let mostMemory = 0
  const look = () => (mostMemory = Math.max(mostMemory, memory() - atStart))
  res.setHeader('content-type', type)
  for (let sent = 0; sent < totalBytes; sent += chunk.length) {
    const flowing = res.write(chunk)
    mostHeld = Math.max(mostHeld, res.writableLength)
    if (sent > 0 && sent % sampleBytes === 0) look()
    if (flowing) continue
    waits += 1
    await once(res, 'drain')
  }
  look()
  res.end()
  note({ waits, mostHeld, mostMemory })
}

// What is held is asked for, not what the collector has not come to yet.
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** External memory in use: where the bodies' bytes are. */
function memory(): number {
  collectGarbage()
  return process.memoryUsage().arrayBuffers
}

function mount({ app, meter, note }: Host): void {
  meter()
  app.get('/pour/:sort/:type', (req, res) => {
    const type = `${req.params.sort}/${req.params.type}`
    return pour(res, type, (what) => note(type, what))
  })
}

/** Reads everything, with a rest after each half MiB; counts and keeps nothing. */
async function readSlowly({ port }: Side, text: string): Promise<number> {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  let received = 0
  let sinceRest = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received += chunk.length
    sinceRest += chunk.length
    if (sinceRest < mebibyte / 2) continue
    sinceRest = 0
    await sleep(2)
  }
  return received
}

interface Poured {
  waits: number
  mostHeld: number
  mostMemory: number
}

describe('back-pressure of a metered response', function () {
  this.timeout(20_000)
  let stand: Stand
  before(async () => {
    const operations = [{ path: '/pour/*type', type: 'pour', estimateTokens: 0 }]
    stand = await startStand('Express 5', mount, { operations })
  })
  after(() => stand.close())

  for (const type of Object.keys(chunks)) {
    it(`reaches a handler that writes 64 MiB of ${type} to a slow reader`, async () => {
      const text = requestText({ user: type, path: `/pour/${type}` })
      const bare = await readSlowly(stand.bare, text)
      const metered = await readSlowly(stand.metered, text)
      assert.equal(metered, bare)
      assert.ok(metered > totalBytes)
      const [without] = stand.bare.notes(type) as Poured[]
      const [with_] = stand.metered.notes(type) as Poured[]
      assert.ok(without && with_)
      assert.equal(with_.waits > totalBytes / mebibyte, true, `${with_.waits} waits`)
      assert.ok(with_.mostHeld <= without.mostHeld + 64 * 1024, `${with_.mostHeld} bytes held`)
      const growth = with_.mostMemory - without.mostMemory
      assert.ok(growth < 24 * mebibyte, `${growth} bytes more than without`)
      const event = await stand.event(type)
      assert.equal(event.response_bytes, totalBytes)
      assert.equal(event.status, 'ok')
    })
  }
})
