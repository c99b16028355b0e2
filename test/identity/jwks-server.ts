import { createServer, type RequestListener } from 'node:http'
import type { KeyObject } from 'node:crypto'

/** A real issuer on the loopback: answers with whatever `answer` is now, and counts. */
export async function startJwksServer() {
  const state = { requests: 0, answer: jwks([]) }
  const server = createServer((req, res) => {
    state.requests++
    state.answer(req, res)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  return {
    url: `http://127.0.0.1:${address.port}/jwks.json`,
    requests: () => state.requests,
    answerWith: (answer: RequestListener) => {
      state.answer = answer
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface PublishedKey {
  publicKey: KeyObject
  kid?: string
}

export function jwks(keys: readonly PublishedKey[]): RequestListener {
  const set = {
    keys: keys.map(({ publicKey, kid }) => ({
      ...publicKey.export({ format: 'jwk' }),
      use: 'sig',
      ...(kid === undefined ? {} : { kid }),
    })),
  }
  return (_, res) => {
    res.setHeader('content-type', 'application/json').end(JSON.stringify(set))
  }
}

export const failing: RequestListener = (_, res) => {
  res.writeHead(500).end('no')
}
