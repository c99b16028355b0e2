/** What a host does with the package, whichever way it is loaded. */
const host = `
  const app = express()
  const usage = createUsage({
    connection: mongoose.connection,
    auth: { secret: process.env.JWT_SECRET, algorithms: ['HS256'] },
  })
  app.use(usage.track())
  app.use('/ai/usage', usage.router())
  app.get('/health', usage.health())
  app.post('/ai/chat', (req, res) => {
    usage.annotate(req, { input_tokens: 3, output_tokens: 4, model: 'm' })
    res.json({ reply: 'hi' })
  })
  app.post('/ai/qa', express.json(), (req, res) => res.json({ reply: 'To be counted by a thread of its own.' }))
  const server = app.listen(0, '127.0.0.1', async () => {
    await mongoose.connect(process.env.MONGODB_URI)
    await usage.ready()
    const base = 'http://127.0.0.1:' + server.address().port
    const sign = (claims) => jwt.sign(claims, process.env.JWT_SECRET, { expiresIn: 60 })
    const user = { authorization: 'Bearer ' + sign({ sub: 'alice' }) }
    const admin = { authorization: 'Bearer ' + sign({ sub: 'root', role: 'admin' }) }
    await fetch(base + '/ai/chat', { method: 'POST', headers: user })
    await usage.flush()
    const me = await (await fetch(base + '/ai/usage/me', { headers: user })).json()
    const asked = { method: 'POST', headers: { ...user, 'content-type': 'application/json' }, body: '{"model":"gpt-4o","prompt":"Who counts?"}' }
    await fetch(base + '/ai/qa', asked)
    await usage.flush()
    const { data: [counted] } = await (await fetch(base + '/ai/usage/me/logs', { headers: user })).json()
    const bad = []
    for (const path of JSON.parse(process.env.BAD_PATHS)) {
      const answer = await fetch(base + '/ai/usage' + path, { headers: admin })
      bad.push([path, answer.status, answer.headers.get('content-type')])
    }
    const others = []
    for (const [path, init] of [
      ['/me', {}], ['/global', { headers: user }], ['/nowhere', { headers: user }],
      ['/me', { method: 'DELETE', headers: user }], ['/%E0%A4%A', { headers: user }],
      ['/user/%E0%A4%A', { headers: admin }], ['/docs', {}], ['/openapi.yaml', {}],
      ['/events', { method: 'POST', headers: { ...admin, 'content-type': 'application/json' }, body: '{' }],
    ]) {
      const answer = await fetch(base + '/ai/usage' + path, init)
      others.push([path, answer.status])
    }
    const health = await (await fetch(base + '/health')).json()
    server.closeAllConnections()
    server.close()
    const closed = await usage.close()
    const stillOpen = mongoose.connection.readyState
    await mongoose.disconnect()
    console.log(JSON.stringify({ me, counted: counted.token_source, bad, others, health: health.status, closed, stillOpen, mongoose: mongoose.version }))
  })
`
/** The host as an ES module. */
export const esm = `
  import express from 'express'
  import jwt from 'jsonwebtoken'
  import mongoose from 'mongoose'
  import { createUsage } from 'express-ai-usage'
  ${host}`
/** The host as CommonJS. */
export const cjs = `
  const express = require('express')
  const jwt = require('jsonwebtoken')
  const mongoose = require('mongoose')
  const { createUsage } = require('express-ai-usage')
  ${host}`

const operators = [
  '[$gt]=1',
  '[]=1',
  '=1&days=2',
  '=',
  '=abc',
  '=1.5',
  '=-1',
  '=0',
  '=367',
  `=${'9'.repeat(400)}`,
]
/** Paths of the API that must be answered with 400. */
export const badPaths = [
  ...operators.map((text) => `/me?days${text}`),
  ...operators.map((text) => `/user/bob?days${text}`),
  ...operators.map((text) => `/global?days${text}`),
  ...[
    'limit[$gt]=1',
    'limit=0',
    'limit=501',
    'cursor=x',
    'cursor=e30',
    'status=fine',
    'success=1',
    'min_tokens=-1',
    'model[$ne]=x',
    'from=yesterday',
    'user[$ne]=x',
    'user=',
    'x=1',
    '__proto__=1',
  ].map((text) => `/logs?${text}`),
  ...['sort=password', 'limit=x', 'tier[$ne]=x', 'q=', 'cursor=bnVsbA'].map(
    (text) => `/users?${text}`,
  ),
  ...[
    'timezone=Mars/Olympus',
    'from=2026-01-02&to=2026-01-01',
    'to=2026-01-01',
    'days=3&from=2026-01-01',
    'from=1999-01-01',
  ].map((text) => `/me?${text}`),
  '/realtime?x=1',
  `/user/${'a'.repeat(300)}`,
  '/user/a%00b',
]
