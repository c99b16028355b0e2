import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** A network between two programs, of which the test says how well it works. */
export interface TcpProxy {
  readonly port: number
  /** What comes back from now on comes this much later. */
  delay(ms: number): void
  /** Bytes are swallowed, both ways, until `mend`; then they arrive. New connections hang as well. */
  swallow(): void
  /** All connections are reset, and so are new ones, until `mend`. */
  cut(): void
  /** All connections are reset; new ones are welcome. */
  reset(): void
  /** One connection is reset when so many more bytes have come back, in the middle of what comes then. */
  cutAfter(bytes: number): void
  /** The first client that says this has been cut off, and nobody is told: its connection stays silent. */
  strand(text: string): void
  mend(): void
  close(): Promise<void>
}

interface State {
  delayMs: number
  isCut: boolean
  /** Bytes until somebody is cut off; undefined: nobody is. */
  bytesLeft: number | undefined
  /** Who says this next is cut off. */
  stranding: string | undefined
  /** Pending while bytes are swallowed. */
  gate: Promise<void>
}

/** A proxy on a port of its own before one on 127.0.0.1. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const state: State = {
    ...{ delayMs: 0, isCut: false, bytesLeft: undefined, stranding: undefined },
    gate: Promise.resolve(),
  }
  let open: () => void = () => undefined
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    if (state.isCut) {
      client.resetAndDestroy()
      return
    }
    const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true })
    for (const one of [client, upstream]) {
      sockets.add(one)
      one.on('error', () => undefined).once('close', () => sockets.delete(one))
    }
    let isStranded = false
    const ask = (bytes: Buffer) => {
      if (state.stranding !== undefined && bytes.includes(state.stranding)) {
        state.stranding = undefined
        isStranded = true
      }
      if (!isStranded) upstream.write(bytes)
    }
    relay(client, upstream, state, { delay: () => 0, send: ask })
    const send = (bytes: Buffer) => {
      if (isStranded || sendOrCut(client, bytes, state)) return
      client.resetAndDestroy()
      upstream.resetAndDestroy()
    }
    relay(upstream, client, state, { delay: () => state.delayMs, send })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reset = () => {
    for (const one of sockets) one.resetAndDestroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    delay: (ms) => void (state.delayMs = ms),
    swallow: () => void (state.gate = new Promise((resolve) => (open = resolve))),
    cut: () => {
      state.isCut = true
      reset()
    },
    reset,
    cutAfter: (bytes) => void (state.bytesLeft = bytes),
    strand: (text) => void (state.stranding = text),
    mend: () => {
      Object.assign(state, { delayMs: 0, isCut: false, bytesLeft: undefined, stranding: undefined })
      open()
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      open()
      reset()
      await closed
    },
  }
}

/** False: so many bytes have come that the connection is to be cut, with the last of them half sent. */
function sendOrCut(to: Socket, bytes: Buffer, state: State): boolean {
  const left = state.bytesLeft
  if (left === undefined || bytes.length < left) {
    to.write(bytes)
    if (left !== undefined) state.bytesLeft = left - bytes.length
    return true
  }
  state.bytesLeft = undefined
  to.write(bytes.subarray(0, left))
  return false
}

interface Way {
  readonly delay: () => number
  readonly send: (bytes: Buffer) => void
}

/** Hands on what comes, in order, when it is due. */
function relay(from: Socket, to: Socket, state: State, { delay, send }: Way): void {
  let last = Promise.resolve()
  const then = (act: () => void) => {
    const due = performance.now() + delay()
    last = last.then(async () => {
      await state.gate
      const left = due - performance.now()
      if (left > 0) await sleep(left)
      act()
    })
  }
  from.on('data', (bytes: Buffer) => then(() => send(bytes)))
  from.once('end', () => then(() => void to.end()))
  from.once('close', (failed) => {
    if (failed) to.destroy()
  })
}
