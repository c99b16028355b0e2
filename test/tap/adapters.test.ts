import assert from 'node:assert/strict'
import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Express } from 'express'
import type { UsageEvent } from '../../src/index.js'
import { startApp } from '../helpers/app.js'
import { payload } from '../helpers/fixtures.js'

/** What adapters of serverless platforms put in the place of a connection. */
function noSocket(): Socket {
  const socket = {
    _writableState: {},
    writable: true,
    on: () => undefined,
    removeListener: () => undefined,
    destroy: () => undefined,
    cork: () => undefined,
    uncork: () => undefined,
    write: (_data: unknown, encoding: unknown, done: unknown) => {
      const callbacks = [encoding, done].filter((one) => typeof one === 'function')
      for (const callback of callbacks) Reflect.apply(callback, undefined, [])
    },
  }
  return socket as unknown as Socket
}

describe('an app behind an adapter that has no connections', () => {
  const sockets = {
    'something in its place': noSocket(),
    'what is frozen': Object.freeze(noSocket()),
  }
  for (const [what, socket] of Object.entries(sockets))
    it(`answers, and is metered, with ${what}`, async () => {
      const host: { app?: Express } = {}
      const { usage, database, ...metered } = await startApp((app) => {
        host.app = app
        app.post('/ai/chat', (_req, res) =>
          res.type('json').send(payload('openai-chat/completion.json')),
        )
      })
      const req = new IncomingMessage(socket)
      Object.assign(req, { method: 'POST', url: '/ai/chat', complete: true })
      const res = new ServerResponse(req)
      res.assignSocket(noSocket())
      const finished = once(res, 'finish')
      host.app?.(req as never, res as never)
      await finished
      await usage.flush()
      const [event] = await database.connection
        .collection<UsageEvent>('usage_logs')
        .find()
        .toArray()
      assert.equal(event?.input_tokens, 1117)
      assert.equal(event.status, 'ok')
      await metered.close()
    })
})
