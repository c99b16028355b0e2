import { isObject, parseJson, type JsonObject } from './json.js'

/** How much of the end of a JSON body is looked at, characters: figures are short. */
export const endLength = 8 * 1024

/** Members looked at, those within others included. */
const maxTries = 256

/**
 * The last members of a JSON object of whose text only the end is there, as many as are whole. They
 * are the object's own: what stands deeper has more ends behind it than it has beginnings, and
 * quotes within a string are escaped.
 */
export function lastMembers(text: string): JsonObject | undefined {
  const end = text.slice(-endLength)
  let found: JsonObject | undefined
  let at = end.lastIndexOf(',')
  for (let tries = 0; at > 0 && tries < maxTries; at = end.lastIndexOf(',', at - 1)) {
    const rest = end.slice(at + 1).trimStart()
    if (!rest.startsWith('"')) continue
    tries += 1
    const members = parseJson(`{${rest}`)
    if (isObject(members)) found = members
  }
  return found
}
