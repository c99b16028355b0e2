import type { IncomingMessage } from 'node:http'

/** Where the providers' SDKs put the key that they were given. */
const keyHeaders = ['x-api-key', 'x-goog-api-key', 'api-key']

/**
 * The request's headers as the token's verifier reads them: SDKs put what they were given as a key,
 * which here is the caller's own token, where their provider wants it. An Authorization header wins.
 */
export function bearerHeaders(req: IncomingMessage, queryKey: string | undefined): string[] {
  if (req.headers.authorization !== undefined) return req.rawHeaders
  for (const name of keyHeaders) {
    const value = req.headers[name]
    if (typeof value === 'string' && value !== '') return ['authorization', `Bearer ${value}`]
  }
  return queryKey === undefined ? req.rawHeaders : ['authorization', `Bearer ${queryKey}`]
}
