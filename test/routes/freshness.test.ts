import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { freshly } from '../../src/insight/freshly.js'
import { bearer, startApp, type TestApp } from '../helpers/app.js'

describe('answers about what has just been done', () => {
  let app: TestApp
  before(async () => {
    app = await startApp((host) => {
      host.use(express.json())
      host.post('/ai/chat', (_req, res) => {
        res.json({ model: 'gpt-4o', usage: { prompt_tokens: 3, completion_tokens: 2 } })
      })
      host.post('/ai/qa', (_req, res) => {
        res.json({ reply: 'Lisbon is lovely in May.' })
      })
    })
  })
  after(() => app.close())

  const call = async (path: string, user: string) => {
    const response = await fetch(`${app.url}${path}`, {
      method: 'POST',
      headers: { ...bearer(user), 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'Where to in May?' }),
    })
    await response.arrayBuffer()
  }
  const operationsOfModels = async () => {
    const { models } = await app.admin<{ models: { operations: number }[] }>('/models')
    return models.reduce((sum, { operations }) => sum + operations, 0)
  }
  type Total = { total_operations: number }
  type Page = { data: { user_id: string; total_operations: number }[] }

  it('have it from the first answer on, without a flush', async () => {
    for (let done = 1; done <= 20; done++) {
      await call('/ai/chat', 'ann')
      assert.equal((await app.as<Total>('ann', '/me')).total_operations, done)
    }
  })

  it('have it where the tokens had to be counted', async () => {
    // The first loads the encoding, which takes longer than an answer waits.
    await call('/ai/qa', 'ben')
    await app.usage.flush()
    await call('/ai/qa', 'ben')
    assert.equal((await app.as<Total>('ben', '/me')).total_operations, 2)
  })

  it('have it on each route, when asked first', async () => {
    const questions: Record<string, (user: string) => Promise<number>> = {
      '/me/logs': async (user) => (await app.as<Page>(user, '/me/logs')).data.length,
      '/logs': async (user) => (await app.admin<Page>(`/logs?user=${user}`)).data.length,
      '/user': async (user) => (await app.admin<Total>(`/user/${user}`)).total_operations,
      '/users': async (user) => (await app.admin<Page>(`/users?q=${user}`)).data.length,
    }
    for (const [index, ask] of Object.values(questions).entries()) {
      await call('/ai/chat', `cid-${index}`)
      assert.equal(await ask(`cid-${index}`), 1, Object.keys(questions)[index])
    }
    const before = await app.admin<Total>('/global')
    const ofModels = await operationsOfModels()
    await call('/ai/chat', 'dan')
    const global = await app.admin<Total>('/global')
    assert.equal(global.total_operations, before.total_operations + 1)
    await call('/ai/chat', 'dan')
    assert.equal(await operationsOfModels(), ofModels + 2)
  })

  it('do not wait for what is behind already', async () => {
    let waits = 0
    const stored = () => {
      waits += 1
      return new Promise<void>(() => undefined)
    }
    const behind = freshly({ oldestMs: () => 5_000, stored }, () => Promise.resolve('answer'))
    assert.equal(await behind(), 'answer')
    assert.equal(waits, 0)
  })

  it('do not wait long for what does not get through', async () => {
    const stuck = freshly(
      { oldestMs: () => 0, stored: () => new Promise<void>(() => undefined) },
      () => Promise.resolve('answer'),
    )
    const first = await Promise.race([stuck(), sleep(1_000, 'nothing')])
    assert.equal(first, 'answer')
  })
})
