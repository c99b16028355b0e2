import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { version } from '../version.js'
import type { ProxyConfig } from './options.js'
import { scrubText } from './scrub.js'

/** What a client may tell the provider. Everything else, above all its credentials, stays here. */
const requestHeaders = new Set([
  'accept',
  'anthropic-beta',
  'anthropic-version',
  'content-type',
  'idempotency-key',
  'openai-beta',
])

/**
 * What a provider may tell the client. Not among them: cookies, the account's organisation and
 * rate limits (they are shared by all users, and `x-ratelimit-*` is what we say about our own).
 */
const responseHeaders = new Set([
  'anthropic-version',
  'cache-control',
  'content-disposition',
  'content-language',
  'content-type',
  'openai-processing-ms',
  'openai-version',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'x-generation-id',
  'x-request-id',
  'x-should-retry',
])

/** Never passed on, also when the host asks for it: they belong to a connection or to a caller. */
const neverPassed = new Set([
  'api-key',
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
  'x-goog-api-key',
])

/** The headers of the call to the provider, without those of the body. */
export function upstreamHeaders(
  headers: IncomingHttpHeaders,
  { dialect, apiKey, passHeaders, headers: own }: ProxyConfig,
): OutgoingHttpHeaders {
  const passed: OutgoingHttpHeaders = {
    // Compressed, a usage could neither be read nor be taken out.
    'accept-encoding': 'identity',
    'user-agent': `express-ai-usage/${version}`,
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || neverPassed.has(name)) continue
    if (requestHeaders.has(name) || passHeaders.has(name)) passed[name] = value
  }
  for (const [name, value] of Object.entries(own)) passed[name.toLowerCase()] = value
  if (apiKey !== undefined) {
    const { keyHeader } = dialect
    passed[keyHeader] = keyHeader === 'authorization' ? `Bearer ${apiKey}` : apiKey
  }
  return passed
}

/** The headers of the provider's answer that the client gets. */
export function clientHeaders(
  { headers }: IncomingMessage,
  apiKey: string | undefined,
): [string, string][] {
  return Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    responseHeaders.has(name) && typeof value === 'string'
      ? [[name, scrubText(value, apiKey)]]
      : [],
  )
}
