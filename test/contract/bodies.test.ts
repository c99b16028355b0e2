import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import express from 'express'
import express4 from 'express4'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

interface Problem {
  status: number
  code: string
  parameter?: string
  detail: string
}

const posts = ['/prices', '/budgets', '/events'] as const
const patches = ['/users/x', '/plans/x'] as const

describe('bodies that are none', () => {
  let app: TestApp
  before(async () => {
    app = await startApp((host, usage) => {
      const other = express4()
      other.use('/ai/usage', usage.router())
      host.use('/express4', other)
    })
  })
  after(() => app.close())

  const send = async (base: string, method: string, path: string, init: RequestInit) => {
    const headers = {
      ...bearer('root', { role: 'admin' }),
      ...{ 'content-type': 'application/json', ...(init.headers as object) },
    }
    const response = await fetch(`${app.url}${base}/ai/usage${path}`, { ...init, method, headers })
    return { status: response.status, problem: (await response.json()) as Problem }
  }
  const all = [
    ...posts.map((path) => ['POST', path] as const),
    ...patches.map((path) => ['PATCH', path] as const),
  ]

  for (const base of ['', '/express4']) {
    const version = base === '' ? '5' : '4'

    it(`are refused where they cannot be decompressed, on Express ${version}`, async () => {
      const broken = {
        gzip: Buffer.from('x'),
        deflate: Buffer.from('x'),
        br: Buffer.from('x'),
      }
      const cut = {
        gzip: gzipSync('{"a":1}').subarray(0, 12),
        br: brotliCompressSync('{"a":"some text"}').subarray(0, 8),
      }
      for (const [method, path] of all) {
        for (const bodies of [broken, cut]) {
          for (const [encoding, body] of Object.entries(bodies)) {
            const init = { headers: { 'content-encoding': encoding }, body }
            const { status, problem } = await send(base, method, path, init)
            assert.deepEqual([status, problem.code], [400, 'invalid_body'], `${path} ${encoding}`)
          }
        }
      }
    })

    it(`are refused where they are empty, on Express ${version}`, async () => {
      for (const [method, path] of all) {
        const { status, problem } = await send(base, method, path, { body: '' })
        assert.deepEqual([status, problem.code], [400, 'invalid_body'], path)
      }
    })
  }

  it('name what of a path is no parameter', async () => {
    for (const path of ['/user/%00', '/user/%zz', '/users/%00/export', '/budgets/%zz']) {
      const response = await fetch(`${app.url}/ai/usage${path}`, {
        headers: bearer('root', { role: 'admin' }),
      })
      const problem = (await response.json()) as Problem
      assert.equal(problem.code, 'invalid_parameter', path)
      assert.equal(typeof problem.parameter, 'string', path)
    }
  })

  it('are events whose parts are more than the whole', async () => {
    const event = { user_id: 'contra', operation_type: 'chat', input_tokens: 10, output_tokens: 5 }
    const contradictions = [
      { cache_read_tokens: 11 },
      { cache_read_tokens: 6, cache_write_tokens: 5 },
      { cache_write_tokens: 2, cache_write_1h_tokens: 3 },
      { reasoning_tokens: 6 },
      { input_audio_tokens: 6, input_image_tokens: 5 },
      { output_audio_tokens: 3, output_image_tokens: 3 },
      { cache_read_tokens: 5, cache_read_audio_tokens: 1 },
      { input_image_tokens: 5, cache_read_image_tokens: 1 },
    ]
    for (const more of contradictions) {
      await assert.rejects(app.usage.record({ ...event, ...more }), { code: 'invalid_event' })
    }
    const sound = {
      ...{ cache_read_tokens: 6, cache_write_tokens: 4, reasoning_tokens: 5 },
      ...{ input_audio_tokens: 6, input_image_tokens: 4, output_audio_tokens: 5 },
      ...{ cache_read_audio_tokens: 4, cache_read_image_tokens: 2 },
    }
    assert.equal((await app.usage.record({ ...event, ...sound })).outcome, 'accepted')
  })

  for (const [name, read] of Object.entries({ raw: express.raw, text: express.text }))
    it(`are parsed where the host has read them as ${name} before`, async () => {
      const host = express()
      host.use(read({ type: '*/*', limit: '10mb' }))
      host.use('/ai/usage', app.usage.router())
      const server = host.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const post = async (body: string) => {
        const headers = {
          ...bearer('root', { role: 'admin' }),
          'content-type': 'application/json',
        }
        const url = `http://127.0.0.1:${port}/ai/usage/events`
        const response = await fetch(url, { method: 'POST', headers, body })
        return [response.status, ((await response.json()) as Partial<Problem>).code]
      }
      const one = { id: name, user_id: 'ann', operation_type: 'chat', input_tokens: 1 }
      assert.deepEqual(await post(JSON.stringify([one])), [202, undefined])
      assert.deepEqual(await post('{'), [400, 'invalid_body'])
      assert.deepEqual(await post('"text"'), [400, 'invalid_body'])
      assert.deepEqual(await post(''), [400, 'invalid_body'])
      assert.deepEqual(await post(JSON.stringify(['x'.repeat(5 * 2 ** 20)])), [
        413,
        'body_too_large',
      ])
      server.close()
    })
})
