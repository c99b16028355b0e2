import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { CountRequest, TokenCounter } from '../../src/tokens/counter.js'
import { fakeTimers, realTimers } from '../helpers/fake-timers.js'
import { hardShapes } from './shapes.js'
import { testCounter } from './support.js'

const small: CountRequest = { model: 'gpt-4', completion: 'hello world' }
const smallCount = { input_tokens: 0, output_tokens: 2, token_source: 'tokenizer' }

/** Some seconds of work. */
const chinese = hardShapes.Chinese?.(1024 * 1024) ?? ''
const medium: CountRequest = { model: 'gpt-4', completion: chinese.slice(0, 250_000) }
const big: CountRequest = { model: 'gpt-4', completion: chinese.repeat(4) }

describe('the token counter', () => {
  const counters: TokenCounter[] = []
  const workers: Worker[] = []
  const noteWorker = (worker: Worker) => void workers.push(worker)

  function newCounter(options?: Parameters<typeof testCounter>[0]) {
    const made = testCounter(options)
    counters.push(made.counter)
    return made
  }

  async function endLastWorker(): Promise<void> {
    await workers.at(-1)?.terminate()
  }

  beforeEach(() => process.on('worker', noteWorker))

  afterEach(async () => {
    process.off('worker', noteWorker)
    realTimers()
    for (const counter of counters.splice(0)) await counter.close()
    workers.length = 0
  })

  it('counts prompt and completion with the framing of the model', async () => {
    const { counter } = newCounter()
    const prompt = { messages: [{ role: 'user', text: 'hello world' }] }
    const of = (model?: string) =>
      counter.count({ ...(model !== undefined && { model }), prompt, completion: 'hello world' })
    const counts = await Promise.all([of('gpt-4o'), of('gpt-4'), of('claude-opus-4-6'), of()])
    assert.deepEqual(counts, [
      { input_tokens: 9, output_tokens: 2, token_source: 'tokenizer' },
      { input_tokens: 9, output_tokens: 2, token_source: 'tokenizer' },
      { input_tokens: 9, output_tokens: 2, token_source: 'estimate' },
      { input_tokens: 9, output_tokens: 2, token_source: 'estimate' },
    ])
    const claude = { model: 'claude-opus-4-7', completion: 'hello world '.repeat(500) }
    assert.equal((await counter.count(claude))?.output_tokens, Math.round(1001 * 1.53))
    const stats = { queued: 0, queued_bytes: 0, counted: 5, dropped: 0, restarts: 0 }
    assert.deepEqual(counter.stats(), stats)
    assert.equal(workers.length, 1)
  })

  it('answers thousands of counts at once, each with its own', async () => {
    const { counter } = newCounter()
    const sizes = Array.from({ length: 3000 }, (_, i) => 1 + (i % 40))
    const counts = await Promise.all(
      sizes.map((size) => counter.count({ model: 'gpt-4', completion: ' hello'.repeat(size) })),
    )
    assert.deepEqual(
      counts.map((count) => count?.output_tokens),
      sizes,
    )
  })

  it('starts no worker before the first text', async () => {
    const { counter } = newCounter()
    assert.equal((await counter.count({}))?.input_tokens, 0)
    assert.equal(
      (await counter.count({ prompt: { messages: [] }, completion: '' }))?.input_tokens,
      0,
    )
    await sleep(20)
    assert.equal(workers.length, 0)
  })

  it('restarts a worker that is killed mid-way, and the count still arrives', async () => {
    const { counter, lines } = newCounter()
    await counter.count(small)
    const counting = [counter.count(medium), counter.count(small)]
    await sleep(50)
    await endLastWorker()
    const [first, second] = await Promise.all(counting)
    assert.ok(first && first.output_tokens > 200_000)
    assert.deepEqual(second, smallCount)
    assert.deepEqual([counter.stats().restarts, counter.stats().dropped], [1, 0])
    assert.deepEqual(lines, ['Token counting: worker lost (ended), next in 100 ms'])
  })

  it('says why a worker ended, and starts another', async () => {
    const { counter, lines } = newCounter()
    await counter.count(small)
    workers[0]?.postMessage({ jobs: [{ id: -1, encoding: 'none', input: [], output: [] }] })
    assert.deepEqual(await counter.count(small), smallCount)
    assert.equal(counter.stats().restarts, 1)
    assert.match(lines.join(), /^Token counting: worker lost \(.*encoding.*\), next in 100 ms$/i)
  })

  it('gives up a text that ends two workers, and only that', async () => {
    const { counter } = newCounter()
    await counter.count(small)
    const counting = [counter.count(medium), counter.count(small), counter.count(small)]
    await sleep(30)
    await endLastWorker()
    while (workers.length < 2) await sleep(5)
    await sleep(30)
    await endLastWorker()
    assert.deepEqual(await Promise.all(counting), [null, smallCount, smallCount])
    assert.deepEqual([counter.stats().dropped, counter.stats().restarts], [1, 2])
  })

  it('waits no longer for workers that keep failing, and tries again later', async () => {
    const { counter } = newCounter()
    const endAtOnce = (worker: Worker) => void worker.terminate()
    process.on('worker', endAtOnce)
    const many = Array.from({ length: 5 }, () => counter.count(small))
    assert.deepEqual(await Promise.all(many), [null, null, null, null, null])
    process.off('worker', endAtOnce)
    const started = performance.now()
    assert.equal(await counter.count(small), null)
    assert.ok(performance.now() - started < 150)
    await sleep(500)
    assert.deepEqual(await counter.count(small), smallCount)
  })

  it('bounds the queue by bytes: what is too much gives null and is counted', async () => {
    const { counter, lines } = newCounter({ maxQueuedBytes: 100_000 })
    const text = { model: 'gpt-4', completion: ' hello'.repeat(5000) }
    const counting = Array.from({ length: 4 }, () => counter.count(text))
    assert.equal(counter.stats().queued_bytes, 60_000)
    assert.deepEqual(
      (await Promise.all(counting)).map((count) => count?.output_tokens),
      [5000, undefined, undefined, undefined],
    )
    const stats = { queued: 0, queued_bytes: 0, counted: 1, dropped: 3, restarts: 0 }
    assert.deepEqual(counter.stats(), stats)
    assert.deepEqual(lines, ['Token counting: 1 not counted (queue full)'])
    assert.ok(await counter.count(text))
  })

  it('gives null at the deadline and leaves that text, so that the next is counted in time', async () => {
    const { counter } = newCounter({ deadlineMs: 600 })
    while ((await counter.count(small)) === null);
    const dropped = counter.stats().dropped
    const started = performance.now()
    const behind = Array.from({ length: 20 }, () => counter.count(big))
    assert.equal(await counter.count(big), null)
    assert.ok((await Promise.all(behind)).every((count) => count === null))
    assert.ok(performance.now() - started < 3000)
    assert.deepEqual(await counter.count(small), smallCount)
    assert.deepEqual([counter.stats().queued_bytes, workers.length], [0, 1])
    assert.ok(counter.stats().dropped > dropped)
  })

  it('replaces a worker that no longer answers', async () => {
    const { counter, lines } = newCounter()
    await counter.count(small)
    fakeTimers('setTimeout')
    const endless = new Uint8Array(1e9)
    workers[0]?.postMessage(
      { jobs: [{ id: -1, encoding: 'cl100k_base', input: endless, output: [] }] },
      [endless.buffer],
    )
    const counting = counter.count(small)
    await new Promise((resolve) => setImmediate(resolve))
    mock.timers.tick(10_000)
    assert.equal(await counting, null)
    const exited = workers[0] && once(workers[0], 'exit')
    mock.timers.tick(5000)
    await exited
    mock.timers.tick(1000)
    realTimers()
    assert.deepEqual(await counter.count(small), smallCount)
    assert.equal(lines.at(-1), 'Token counting: worker lost (does not answer), next in 100 ms')
  })

  it('stops the worker after five minutes without work, and starts another when needed', async () => {
    const { counter } = newCounter()
    fakeTimers('setTimeout')
    await counter.count(small)
    const exited = workers[0] && once(workers[0], 'exit')
    mock.timers.tick(5 * 60_000)
    await exited
    assert.deepEqual(await counter.count(small), smallCount)
    assert.deepEqual([workers.length, counter.stats().restarts], [2, 0])
  })

  it('closes at once: what waits gives null, and so does what comes later', async () => {
    const { counter } = newCounter()
    await counter.count(small)
    const counting = [counter.count(big), counter.count(small)]
    await sleep(20)
    await Promise.all([counter.close(), counter.close()])
    assert.deepEqual(await Promise.all(counting), [null, null])
    assert.equal(await counter.count(small), null)
    const stats = { queued: 0, queued_bytes: 0, counted: 1, dropped: 3, restarts: 0 }
    assert.deepEqual(counter.stats(), stats)
    await counter.close()
    await newCounter().counter.close()
  })

  it('never rejects, whatever it is given', async () => {
    const { counter } = newCounter()
    const odd: unknown = JSON.parse(
      '[null, 7, "x", {"model":7}, {"prompt":5}, {"prompt":{"messages":5}}, {"completion":{}},' +
        '{"prompt":{"messages":[null]}}, {"prompt":{"messages":[{"text":1,"role":[]}],"tools":7}}]',
    )
    assert.ok(Array.isArray(odd))
    for (const request of odd as unknown[]) {
      const count = await counter.count(request as CountRequest)
      assert.ok(count === null || Number.isFinite(count.input_tokens))
    }
    assert.deepEqual(await counter.count(small), smallCount)
  })
})
