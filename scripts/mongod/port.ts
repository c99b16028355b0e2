import { createServer } from 'node:net'
import { MongodError } from './error.js'

/**
 * A free port on 127.0.0.1: the `wanted` one (throws MongodError `start_failed` when it is taken), else
 * the `remembered` one where it is free, else any.
 */
export async function choosePort(wanted?: number, remembered?: number): Promise<number> {
  if (wanted !== undefined) {
    const port = await bind(wanted)
    if (port !== undefined) return port
    throw new MongodError('start_failed', `Port ${wanted} on 127.0.0.1, asked for mongod, is taken`)
  }
  const port = (remembered === undefined ? undefined : await bind(remembered)) ?? (await bind(0))
  if (port !== undefined) return port
  throw new MongodError('start_failed', 'No port on 127.0.0.1 is free for mongod')
}

/** Opens and closes the port (0 for any) and answers it; undefined when it is taken. */
function bind(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(address && typeof address === 'object' ? address.port : undefined))
    })
  })
}
