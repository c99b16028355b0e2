import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { listenTo } from '../src/outbound/observer.js'

/** Who waits for the end of a connection: one listener on it, however many requests it carries. */
const waiting = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls back once, when a response is over: it has been sent, or its connection has closed. One that
 * was pipelined and has not had its turn yet is over when the host has ended it, and closes with the
 * connection alone: Node tells neither.
 */
export function onceOver(req: IncomingMessage, res: ServerResponse, then: () => void): void {
  let isOver = false
  const over = () => {
    if (isOver) return
    isOver = true
    if (isPipelined) waiting.get(req.socket)?.delete(over)
    then()
  }
  const isPipelined = res.socket === null
  res.once('finish', over)
  res.once('close', over)
  if (!isPipelined) return
  listenTo(res, 'end', over)
  whenClosed(req.socket, over)
}

function whenClosed(socket: Socket, then: () => void): void {
  const known = waiting.get(socket)
  if (known) {
    known.add(then)
    return
  }
  const all = new Set([then])
  waiting.set(socket, all)
  socket.once('close', () => {
    for (const each of all) each()
  })
}
