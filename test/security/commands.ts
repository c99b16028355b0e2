import type { Connection } from 'mongoose'

/** For a connection whose commands are listened to. */
export const monitored = { monitorCommands: true }

/** A command that MongoDB was sent. */
export interface Command {
  readonly name: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Everything that is sent over a connection opened with `monitored` from now on. */
export function listenIn(connection: Connection): Command[] {
  const heard: Command[] = []
  connection.getClient().on('commandStarted', ({ commandName, command }) => {
    heard.push({ name: commandName, body: plain(command) as Command['body'] })
  })
  return heard
}

/** What was sent, apart from the driver's objects, which may go on to change. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const { name } = value.constructor
  if (name === 'DocumentSequence') return plain(Reflect.get(value, 'documents'))
  if (name !== 'Object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}
