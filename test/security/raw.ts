import { Agent, request } from 'node:http'
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Sends requests as they are, headers repeated where the caller repeats them, over few connections. */
export function rawClient(url: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 })
  const { hostname, port } = new URL(url)
  return {
    ask: (method: string, path: string, headers: readonly string[] = [], body?: string) =>
      new Promise<RawAnswer>((resolve, reject) => {
        const length = ['Content-Length', String(Buffer.byteLength(body ?? ''))]
        const sent = request(
          {
            ...{ agent, hostname, port, method, path: `/ai/usage${path}` },
            headers: ['Host', 'localhost', ...length, ...headers],
          },
          (response) => {
            let text = ''
            response.setEncoding('utf8')
            response.on('data', (part: string) => (text += part))
            response.on('end', () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
            )
            response.on('error', reject)
          },
        )
        sent.on('error', reject)
        sent.end(body)
      }),
    close: () => agent.destroy(),
  }
}

/** What the server says to these bytes, until it hangs up; '' when it hangs up without a word. */
export function shout(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    let heard = ''
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => (heard += part))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(heard))
  })
}
