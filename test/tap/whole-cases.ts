import type { Response } from 'express'
import { type Case, completion, completionText, ofCompletion, json } from './case.js'

export const whole: Record<string, Case> = {
  'res.json': {
    answer: (res) => res.json(JSON.parse(completionText)),
    event: ofCompletion,
  },
  'res.send of a string': {
    answer: (res) => res.type('json').send(completionText),
    event: { ...ofCompletion, response_bytes: completion.length },
  },
  'res.send of a Buffer': {
    answer: (res) => res.type('json').send(completion),
    event: { ...ofCompletion, response_bytes: completion.length },
  },
  'res.send of text': { answer: (res) => res.send('Grüß dich'), event: { response_bytes: 11 } },
  'res.end of a string': {
    answer: (res, note) => {
      res.setHeader('content-type', json)
      note(res.end(completionText) === res)
    },
    event: ofCompletion,
  },
  ...Object.fromEntries(
    (['latin1', 'hex', 'base64', 'utf8', 'utf16le'] as const).map((encoding) => [
      `res.end in ${encoding}`,
      {
        answer: (res: Response) => {
          res.setHeader('content-type', json)
          if (encoding === 'utf16le') res.end(swapped(completion), encoding)
          else res.end(completion.toString(encoding), encoding)
        },
        event: { ...ofCompletion, response_bytes: completion.length },
      },
    ]),
  ),
  'res.end without a body': {
    answer: (res, note) => note(res.end() === res),
    event: { status: 'ok', status_code: 200, response_bytes: 0 },
  },
  'res.end with a callback only': {
    plainOnly: true,
    answer: (res, note) => res.end(() => note('sent')),
    event: { status: 'ok', response_bytes: 0 },
  },
  'a Uint8Array': {
    answer: (res) => res.type('json').end(new Uint8Array(completion)),
    event: ofCompletion,
  },
  'a buffer that is used again': {
    plainOnly: true,
    answer: async (res, note) => {
      res.type('json')
      const once = Buffer.from(completion)
      await new Promise<void>((resolve) => {
        note(res.write(once, () => resolve()))
      })
      once.fill(0)
      res.end()
    },
    event: ofCompletion,
  },
  '201 with a location': {
    answer: (res) => res.status(201).location('/x').json({ ok: true }),
    event: { status_code: 201, success: true },
  },
  redirect: {
    answer: (res) => res.redirect('/elsewhere'),
    event: { status_code: 302, success: true },
  },
  '500 from the handler': {
    answer: (res) =>
      res.status(500).json({ error: { message: 'secret words', type: 'server_error' } }),
    event: { status: 'error', status_code: 500, error_type: 'server_error', success: false },
  },
}

/** Text whose UTF-16 bytes are these bytes. */
function swapped(bytes: Buffer): string {
  const even = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(' ')])
  return even.toString('utf16le')
}
