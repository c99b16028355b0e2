import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { Response } from 'express'
import {
  type Case,
  completion,
  completionText,
  chatStream,
  ofCompletion,
  ofChatStream,
  sse,
  json,
  parts,
  thrown,
} from './case.js'

export const bodiless: Record<string, Case> = {
  'HEAD of res.json': {
    method: 'HEAD',
    answer: (res) => res.json(JSON.parse(completionText)),
    event: { status: 'ok', response_bytes: 0 },
  },
  'HEAD of raw writes': {
    method: 'HEAD',
    answer: (res, note) => {
      note(res.write('not sent'))
      res.end('nor this')
    },
    event: { status: 'ok', response_bytes: 0 },
  },
  '204 of res.sendStatus': {
    answer: (res) => res.sendStatus(204),
    event: { status: 'ok', status_code: 204, response_bytes: 0 },
  },
  '204 with a body that is not sent': {
    answer: (res) => {
      res.statusCode = 204
      res.end('not sent')
    },
    event: { status: 'ok', status_code: 204, response_bytes: 0 },
  },
  '304 by ETag': {
    headers: { 'if-none-match': '"v1"' },
    answer: (res) => res.set('ETag', '"v1"').json(JSON.parse(completionText)),
    event: { status: 'ok', status_code: 304, response_bytes: 0, tokens_used: 0 },
  },
}

export const heads: Record<string, Case> = {
  'writeHead with an object': {
    answer: (res, note) => {
      note(res.writeHead(200, { 'content-type': json, 'X-Custom': ['a', 'b'] }) === res)
      res.end(completion)
    },
    event: ofCompletion,
  },
  'writeHead with a flat array': {
    answer: (res) => {
      res.removeHeader('x-powered-by')
      res.writeHead(200, ['Content-Type', json, 'X-A', '1', 'X-A', '2']).end(completion)
    },
    event: ofCompletion,
  },
  'writeHead with a message': {
    answer: (res) => {
      res.writeHead(203, 'Quite Fine', { 'Content-Type': sse, 'Set-Cookie': ['a=1', 'b=2'] })
      res.end(chatStream)
    },
    event: { ...ofChatStream, status_code: 203 },
  },
  'writeHead after setHeader': {
    answer: (res) => {
      res.setHeader('content-type', 'text/plain')
      res.writeHead(200, { 'content-type': json }).end(completion)
    },
    event: ofCompletion,
  },
  'writeHead twice': {
    plainOnly: true,
    answer: (res, note) => {
      res.writeHead(202)
      note(thrown(() => res.writeHead(200)))
      note(thrown(() => res.setHeader('late', '1')))
      res.end('x')
    },
    event: { status_code: 202 },
  },
  'writeHead with a bad status': {
    plainOnly: true,
    answer: (res, note) => {
      note(thrown(() => res.writeHead(99)))
      res.end('x')
    },
    event: { status: 'ok', status_code: 200 },
  },
  'early hints': {
    answer: (res, note) => {
      res.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => note('hinted'))
      res.writeProcessing()
      res.json({ ok: true })
    },
    event: { status: 'ok', status_code: 200 },
  },
  'expected continue': {
    method: 'POST',
    headers: { expect: '100-continue', 'content-length': '0' },
    answer: (res) => res.json({ ok: true }),
    event: { status: 'ok', status_code: 200 },
  },
  'continue by hand': {
    answer: (res) => {
      res.writeContinue()
      res.end('x')
    },
    event: { status: 'ok' },
  },
}

const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }

export const encoded: Record<string, Case> = Object.fromEntries(
  Object.entries(encoders).flatMap(([encoding, encode]): [string, Case][] => [
    [
      `${encoding} from upstream, JSON`,
      {
        answer: (res: Response) =>
          res.set({ 'content-type': json, 'content-encoding': encoding }).end(encode(completion)),
        event: ofCompletion,
      },
    ],
    [
      `${encoding} from upstream, SSE in parts`,
      {
        answer: async (res: Response) => {
          res.writeHead(200, { 'Content-Type': sse, 'Content-Encoding': encoding })
          for (const part of parts(encode(chatStream), 60)) {
            res.write(part)
            await sleep(1)
          }
          res.end()
        },
        event: ofChatStream,
      },
    ],
  ]),
)
