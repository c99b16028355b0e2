import { setTimeout as sleep } from 'node:timers/promises'
import { type Case, quietError, codeOf, thrown } from './case.js'

export const faulty: Record<string, Case> = {
  'a write that is refused': {
    plainOnly: true,
    answer: (res, note) => {
      const write = (chunk: unknown) => thrown(() => call(res.write.bind(res), chunk))
      for (const chunk of [123, null, undefined, {}]) note(write(chunk))
      note(thrown(() => call(res.end.bind(res), 123)))
      res.end('ok')
    },
    event: { status: 'ok', response_bytes: 2 },
  },
  'a write after the end': {
    plainOnly: true,
    answer: (res, note) => {
      res.on('error', (error) => note(codeOf(error)))
      res.end('done')
      note(res.write('late', (error) => note(codeOf(error))))
      note(res.end('later', () => note('ended')) === res)
    },
    event: { status: 'ok', response_bytes: 4 },
  },
  'a throw before headers': {
    answer: () => {
      throw quietError()
    },
    event: { status: 'error', status_code: 500, error_type: 'http_500' },
  },
  'a throw with a status': {
    answer: () => {
      throw Object.assign(quietError(), { status: 418 })
    },
    event: { status: 'error', status_code: 418, error_type: 'http_418' },
  },
  'an error of the host without a code': {
    answer: (res) => {
      res.status(400).json({ error: 'no prompt' })
    },
    event: { status: 'error', status_code: 400, error_type: 'http_400' },
  },
  'an error under 400 with a code': {
    answer: (res) => {
      res.status(400).json({ error: { type: 'invalid_request_error', message: 'no prompt' } })
    },
    event: { status: 'error', status_code: 400, error_type: 'invalid_request_error' },
  },
  'a throw after headers': {
    answer: (res) => {
      res.write('begun')
      throw quietError()
    },
    event: { status: 'aborted', error_type: 'aborted', success: false },
  },
  'res.destroy in the middle': {
    plainOnly: true,
    answer: (res, note) => {
      res.on('close', () => note(`finished: ${res.writableFinished}`))
      res.write('begun', () => res.destroy())
    },
    event: { status: 'aborted', response_bytes: 5 },
  },
  'res.destroy with an error': {
    plainOnly: true,
    answer: (res, note) => {
      res.on('error', (error) => note(error.message))
      res.write('begun', () => res.destroy(new Error('enough')))
    },
    event: { status: 'aborted' },
  },
  'res.destroy at once': { answer: (res) => res.destroy(), event: { status: 'aborted' } },
  'res.end after res.destroy': {
    plainOnly: true,
    answer: (res) => {
      res.on('error', () => undefined)
      res.write('begun', () => {
        res.destroy()
        res.end()
      })
    },
    event: { status: 'aborted', response_bytes: 5 },
  },
  'res.end after the socket is gone': {
    plainOnly: true,
    answer: (res) => {
      res.on('error', () => undefined)
      res.socket?.destroy()
      res.end('never sent')
    },
    event: { status: 'aborted' },
  },
  'res.socket.destroy': {
    plainOnly: true,
    answer: (res, note) => {
      res.on('close', () => note('close'))
      res.write('begun', () => res.socket?.destroy())
    },
    event: { status: 'aborted', response_bytes: 5 },
  },
}

/** Only Express 5 hands these to the error handler. */
export const rejecting: Record<string, Case> = {
  'a rejection before headers': {
    answer: async () => {
      await sleep(1)
      throw quietError()
    },
    event: { status: 'error', status_code: 500 },
  },
  'a rejection after headers': {
    plainOnly: true,
    answer: async (res) => {
      await new Promise<void>((resolve) => {
        res.write('begun', () => resolve())
      })
      throw quietError()
    },
    event: { status: 'aborted', response_bytes: 5 },
  },
}

/** Calls with what the types forbid. */
function call(method: (chunk: string) => unknown, chunk: unknown): unknown {
  return Reflect.apply(method, undefined, [chunk])
}
