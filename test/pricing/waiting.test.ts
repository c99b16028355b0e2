import assert from 'node:assert/strict'
import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { mock } from 'node:test'
import { systemClock } from '../../src/clock.js'
import { Catalogue } from '../../src/pricing/catalogue.js'
import { createPriceBook, PriceBook } from '../../src/pricing/price-book.js'
import type { PriceDoor } from '../../src/pricing/stored-prices.js'
import { fakeTimers, realTimers } from '../helpers/fake-timers.js'
import { quiet } from '../helpers/quiet.js'
import { noon } from './support.js'

const usage = { provider: 'openai', model: 'gpt-4o-mini', input_tokens: 1000, output_tokens: 500 }

function logs() {
  const lines: string[] = []
  const logger = {
    ...quiet,
    error: (line: string) => void lines.push(line),
    warn: (line: string) => void lines.push(line),
  }
  return { lines, logger }
}

const unused: Pick<ConstructorParameters<typeof PriceBook>[0], 'overrides' | 'door' | 'clock'> = {
  ...{ overrides: [], door: undefined, clock: systemClock },
}

describe('waiting for prices', function () {
  this.timeout(20_000)
  afterEach(() => realTimers())

  it('begins with the first question, and is over when the catalogue is there', async () => {
    let loads = 0
    const loadCatalogue = () => {
      loads++
      return Promise.resolve(new Catalogue(() => undefined))
    }
    const prices = new PriceBook({ ...unused, logger: quiet, loadCatalogue })
    assert.equal(loads, 0)
    await Promise.all([prices.ready(), prices.ready()])
    assert.equal(loads, 1)
    assert.equal(prices.ready(), undefined)
  })

  it('gives up on a catalogue that hangs, for all that wait and all that come after', async () => {
    let arrive: (catalogue: Catalogue) => void = () => undefined
    const loadCatalogue = () => new Promise<Catalogue>((resolve) => (arrive = resolve))
    const prices = new PriceBook({ ...unused, logger: quiet, loadCatalogue })
    fakeTimers('setTimeout')
    const waiting = Promise.all([prices.ready(), prices.ready()])
    mock.timers.tick(6_000)
    await waiting
    assert.equal(prices.ready(), undefined)
    assert.deepEqual(prices.price(usage, noon), { cost_nano_usd: null })
    const model = {
      id: 'm',
      match: { equals: 'gpt-4o-mini' },
      prices: { input_mtok: 1, output_mtok: 1 },
    }
    arrive(new Catalogue((id) => (id === 'openai' ? { id, models: [model] } : undefined)))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(prices.price(usage, noon).cost_nano_usd, 1_500_000)
  })

  it('ends in unknown prices and one log line where the catalogue cannot be loaded', async () => {
    const { lines, logger } = logs()
    const loadCatalogue = () => Promise.reject(new Error('no such package'))
    const prices = new PriceBook({ ...unused, logger, loadCatalogue })
    for (let i = 0; i < 3; i++) {
      await prices.ready()
      assert.deepEqual(prices.price(usage, noon), { cost_nano_usd: null })
    }
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /catalogue cannot be loaded.*no such package/)
  })

  it('is bounded where stored prices cannot be read, and told once', async () => {
    let asked = 0
    const door: PriceDoor = {
      version: () => {
        asked++
        return Promise.reject(new Error('away'))
      },
      overrides: () => Promise.resolve([]),
    }
    const { lines, logger } = logs()
    const prices = new PriceBook({ ...unused, logger, door, loadCatalogue: undefined })
    for (let i = 0; i < 100; i++) await prices.ready()
    assert.equal(asked, 1)
    assert.equal(lines.length, 1)
  })
})

describe('a catalogue of its own file', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'prices-'))
  })
  after(() => rm(folder, { recursive: true }))

  const priceFrom = async (text: string) => {
    const catalogueFile = path.join(folder, 'prices.json')
    await writeFile(catalogueFile, text)
    const { lines, logger } = logs()
    const pricing = { overrides: [], catalogue: true, catalogueFile }
    const prices = createPriceBook({ pricing, clock: systemClock, logger }, undefined)
    await prices.ready()
    return { lines, cost: prices.price(usage, noon).cost_nano_usd }
  }

  it('takes the place of the bundled one', async () => {
    const models = [
      { id: 'm', match: { equals: 'gpt-4o-mini' }, prices: { input_mtok: 3, output_mtok: 15 } },
    ]
    const { lines, cost } = await priceFrom(JSON.stringify([{ id: 'openai', models, more: 1 }]))
    assert.deepEqual({ lines, cost }, { lines: [], cost: 10_500_000 })
  })

  it('does not where it is damaged: the bundled one stays in use, and the log says so', async () => {
    const wrong = [{ id: 'openai', models: [{ id: 'm', match: {}, prices: {} }] }]
    for (const text of ['', '[', '{}', '[]', JSON.stringify(wrong)]) {
      const { lines, cost } = await priceFrom(text)
      assert.equal(cost, 450_000, text)
      assert.equal(lines.length, 1)
      assert.match(lines[0] ?? '', /prices\.json cannot be used, the bundled prices are/)
    }
  })
})
