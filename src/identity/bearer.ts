import { reject, type Rejection } from './verdict.js'

/** Longest token that is looked at, in characters (a token is ASCII): 8 KiB. */
export const maxTokenLength = 8192

const scheme = 'bearer '

/**
 * The token of the one Authorization header. Takes the raw headers (name, value, name, value …),
 * because Node's parsed ones keep the first of several in silence.
 */
export function readBearer(rawHeaders: readonly string[]): string | Rejection {
  const value = authorization(rawHeaders)
  if (typeof value !== 'string') return value ?? reject('missing', 'No bearer token was sent.')
  const start = value.slice(0, scheme.length).toLowerCase()
  if (start !== scheme) {
    return start.trimEnd() === 'bearer' || value.trim() === ''
      ? reject('malformed', 'The Authorization header holds no token.')
      : reject('missing', 'The Authorization header is not of the Bearer scheme.')
  }
  if (value.length - scheme.length > maxTokenLength) {
    return reject('malformed', 'The token is too long.')
  }
  return value.slice(scheme.length)
}

function authorization(rawHeaders: readonly string[]): string | Rejection | undefined {
  let found: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    if (found !== undefined) {
      return reject('duplicate_header', 'Only one Authorization header may be sent.')
    }
    found = rawHeaders[index + 1] ?? ''
  }
  return found
}
