import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import express, { type ErrorRequestHandler } from 'express'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

/** Sends a beginning and then resets the connection, while the server's thread is busy. */
const client = `
const { connect } = require('node:net')
const { parentPort } = require('node:worker_threads')
parentPort.on('message', ({ port, head }) => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.once('connect', () => {
    parentPort.postMessage('connected')
    setTimeout(() => socket.write(head, () => socket.resetAndDestroy()), 40)
  })
})`

describe('a request whose upload is cut off before its handler runs', () => {
  let app: TestApp
  let worker: Worker
  const handled: unknown[] = []
  before(async () => {
    worker = new Worker(client, { eval: true })
    app = await startApp(
      (host) => {
        host.use(express.json())
        host.post('/ai/chat', (req, res) => {
          handled.push(req.body)
          res.json({})
        })
        const refuse: ErrorRequestHandler = (_error, _req, res, _next) => void res.status(400).end()
        host.use(refuse)
      },
      { plans: { free: { limits: [] } } },
    )
  })
  after(async () => {
    await worker.terminate()
    await app.close()
  })

  it('reaches no handler as if it had come without a body', async () => {
    const head = [
      ...['POST /ai/chat HTTP/1.1', 'Host: x', 'Content-Type: application/json'],
      ...['Content-Length: 20', `Authorization: ${bearer('ann').authorization}`, '', '{"a"'],
    ].join('\r\n')
    for (let index = 0; index < 6; index++) {
      worker.postMessage({ port: Number(new URL(app.url).port), head })
      await once(worker, 'message')
      await sleep(20)
      const until = performance.now() + 80
      while (performance.now() < until);
      await sleep(50)
    }
    assert.deepEqual(handled, [])
  })
})
