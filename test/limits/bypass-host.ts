import { setTimeout as sleep } from 'node:timers/promises'
import type { Express, RequestHandler } from 'express'
import type { Usage, UsageOptions } from '../../src/index.js'
import { frameworks, type Framework } from '../tap/stand.js'
import { exchange, requestText } from '../tap/wire.js'
import { userOf, type App } from './stand.js'

export const options: Partial<UsageOptions> = {
  plans: {
    free: { limits: [{ name: 'two', metric: 'requests', window: 'day', limit: 2 }] },
    rich: { limits: [] },
  },
  operations: [
    { path: '/api/ai/chat', type: 'chat' },
    { path: '/llm/*rest', type: 'llm' },
    { path: '/read', type: 'read', methods: ['GET'] },
    { path: '/asked', type: 'asked', methods: ['OPTIONS', 'POST'] },
  ],
}

let users = 0
export const nextUser = () => `user-${(users += 1)}`

/** The status of each answer that is not `100 Continue`, in the order of arrival. */
export const statusesOf = (answer: Buffer) =>
  [...answer.toString('latin1').matchAll(/HTTP\/1\.1 (?!100)(\d{3}) /g)].map(([, code]) =>
    Number(code),
  )

/** Whether a request was let through unasked, since the store took too long: nothing is seen of limits then. */
export const isDegraded = (answer: Buffer) => /^x-usage-degraded:/im.test(answer.toString('latin1'))

/**
 * Four requests, one after the other, as they are written on the wire. Where one was let through unasked,
 * another user asks.
 */
export async function four(app: App, line: string, headers: Record<string, string> = {}) {
  const [method = '', path = ''] = line.split(/ (.*)/)
  for (;;) {
    const user = nextUser()
    const answers: Buffer[] = []
    for (let index = 0; index < 4; index++)
      answers.push(await exchange(app, requestText({ user, path, method, body: '', headers })))
    const ran = app.called.filter((one) => one === user).length
    if (!answers.some(isDegraded)) return { user, statuses: answers.flatMap(statusesOf), ran }
    await sleep(100)
  }
}

/** A handler that notes whom it has served. */
export const noting =
  (state: App): RequestHandler =>
  (req, res) => {
    state.called.push(userOf(req))
    res.json({ ok: true })
  }

/** A host with an operation on every kind of route. */
export function mountHost(host: Express, state: App, usage: Usage, framework: Framework): void {
  const answer = noting(state)
  // As `method-override` does it.
  host.use((req, _res, next) => {
    if (req.method === 'POST') req.method = req.get('x-http-method-override') ?? req.method
    next()
  })
  host.use(usage.track())
  host.post('/ai/chat', answer)
  host.get(['/ai/qa', '/read'], answer)
  host.all('/asked', answer)
  host.all('/any', usage.track({ type: 'any' }), answer)
  host.post('/ai/:kind/stream', answer)
  host.use('/llm', answer)
  const api = frameworks[framework].Router()
  api.use(usage.track())
  api.post(['/ai/chat', '/ai/summarize'], answer)
  host.use('/api', api)
}

/** Express 4 drops what stands twice behind a mount path. */
const doubleInside = '/api//ai/chat'

/** Targets that Express hands to a handler. */
export const routed = (framework: Framework) => [
  ...(framework === 'Express 4' ? [doubleInside] : []),
  '/ai/chat',
  '/AI/Chat',
  '/ai/chat/',
  '/ai/chat?a=/ai/usage',
  '/ai/chat?#',
  '/ai/chat#',
  '/ai/chat#?x',
  '/ai\\chat#',
  'http://localhost/ai/chat',
  'HTTP://other:80/AI/chat/?x=1',
  'http://user:pass@localhost/ai/chat#x',
  '/ai/ch%61t/stream',
  '/ai/CHAT/stream/',
  '/api/ai/chat',
  '/API/ai/Chat/',
  '/api/ai/summarize',
  '/API/ai/summarize/#x',
  'http://localhost/api/ai/summarize',
  '/llm/x',
  '/LLM//x',
  '/llm/x#',
  '/llm/%2e%2e/ai/usage',
]

/** Targets that some other server might take for those, and Express does not. */
export const unrouted = (framework: Framework) => [
  ...(framework === 'Express 4' ? [] : [doubleInside]),
  '//ai/chat',
  '/ai//chat',
  '/ai/chat//',
  '/ai/ch%61t',
  '/%61i/chat',
  '/ai%2fchat',
  '/ai/%2e/chat',
  '/ai/./chat',
  '/ai/chat%00',
  '/ai/chat;x',
  '/ai\\chat',
  'http://localhost//ai/chat',
]
