/** An app on a spool, until it is killed: prints its URL. */
import express from 'express'
import { createUsage } from '../../src/index.js'
import { listen } from '../helpers/app.js'
import { createServer } from 'node:http'

const [mongoUri = '', dir = '', secret = ''] = process.argv.slice(2)
const usage = createUsage({
  mongoUri,
  auth: { secret, algorithms: ['HS256'] },
  spool: { dir },
  // Nothing of this process reaches the log by itself within its short life.
  ledger: { lingerMs: 1_000 },
})
await usage.ready()
const app = express()
app.use(usage.track())
app.use('/ai/usage', usage.router())
app.post('/ai/chat', (_req, res) => {
  res.json({ model: 'm', usage: { prompt_tokens: 3, completion_tokens: 4 } })
})
app.post('/ai/qa', () => undefined)
// Answers, and is killed at once, or when what follows the answer has been done.
app.post('/ai/mindmap', (req, res) => {
  res.json({ model: 'm', usage: { prompt_tokens: 3, completion_tokens: 4 } })
  const die = () => process.kill(process.pid, 'SIGKILL')
  if (req.query.at === 'once') die()
  else setImmediate(() => setImmediate(die))
})
console.log(await listen(createServer(app)))
