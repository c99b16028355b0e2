import type { Connection } from 'mongoose'
import { startWorld } from '../contract/world.js'
import type { TestApp } from '../helpers/app.js'

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

/** A metered app whose log holds calls of every kind, and what its database is sent from now on. */
export async function startOverheard(): Promise<{ app: TestApp; heard: Command[] }> {
  const app = await startWorld({ rollup: { enabled: false } }, monitored)
  return { app, heard: listenIn(app.database.connection) }
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
