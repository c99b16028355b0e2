import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Case,
  completion,
  chatStream,
  claudeStream,
  ofCompletion,
  ofChatStream,
  ofClaudeStream,
  sse,
  parts,
  flush,
} from './case.js'

export const streamed: Record<string, Case> = {
  'callbacks of write and end': {
    plainOnly: true,
    answer: (res, note) => {
      res.on('finish', () => note('finish')).on('close', () => note('close'))
      note(res.write('a', () => note('a')))
      note(res.write('62', 'hex', () => note('b')))
      res.end('c', () => note('end'))
      res.end(() => note('again'))
    },
    event: { status: 'ok', response_bytes: 3 },
  },
  'chunked JSON': {
    answer: (res) => {
      res.type('json')
      for (const part of parts(completion, 50)) res.write(part)
      res.end()
    },
    event: ofCompletion,
  },
  SSE: {
    answer: async (res) => {
      res.type(sse)
      for (const part of parts(chatStream, 300)) {
        res.write(part)
        await sleep(1)
      }
      res.end()
    },
    event: ofChatStream,
  },
  'SSE with flush': {
    flushes: true,
    answer: async (res) => {
      res.writeHead(200, { 'content-type': sse, 'cache-control': 'no-cache' })
      for (const part of parts(claudeStream, 200)) {
        res.write(part)
        flush(res)
        await sleep(1)
      }
      res.end()
    },
    event: ofClaudeStream,
  },
  'SSE after flushHeaders': {
    answer: async (res) => {
      res.setHeader('content-type', sse)
      res.flushHeaders()
      await sleep(2)
      for (const part of parts(claudeStream, 100)) res.write(part.toString('latin1'), 'latin1')
      res.end()
    },
    event: ofClaudeStream,
  },
  NDJSON: {
    answer: (res) => {
      res.setHeader('content-type', 'application/x-ndjson')
      for (const text of ['Hel', 'lo']) res.write(`${JSON.stringify({ delta: text })}\n`)
      res.end(`${JSON.stringify({ usage: { prompt_tokens: 3, completion_tokens: 2 } })}\n`)
    },
    event: { input_tokens: 3, output_tokens: 2, stream: true },
  },
  'a plain text stream': {
    answer: async (res) => {
      res.type('text/plain')
      for (const text of ['Lisbon ', 'is ', 'lövely']) {
        res.write(text)
        await sleep(1)
      }
      res.end()
    },
    event: { status: 'ok' },
  },
  'a Readable, piped': {
    answer: (res) => {
      res.type(sse)
      Readable.from(parts(chatStream, 77)).pipe(res)
    },
    event: ofChatStream,
  },
  'a pipeline': {
    answer: (res) => {
      res.type(sse)
      return pipeline(Readable.from(parts(claudeStream, 123)), res)
    },
    event: ofClaudeStream,
  },
  'a large stream': {
    answer: (res) => {
      res.type(sse)
      const filler = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(900) } }] })}\n\n`
      return pipeline(Readable.from([...Array<string>(300).fill(filler), chatStream]), res)
    },
    event: ofChatStream,
  },
  trailers: {
    answer: (res) => {
      res.writeHead(200, { 'content-type': 'text/plain', trailer: 'x-sum' })
      res.write('body')
      res.addTrailers({ 'x-sum': '42' })
      res.end()
    },
    event: { status: 'ok', response_bytes: 4 },
  },
}
