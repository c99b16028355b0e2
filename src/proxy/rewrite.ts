import { isObject, objectAt, type JsonObject } from '../capture/json.js'
import type { ProxyConfig } from './options.js'
import { setMembers } from './members.js'
import type { JsonBody } from './request-body.js'

/** What only the proxy can tell the provider. */
export interface Insertions {
  /** The request id of the operation, for OpenRouter's `metadata`. */
  readonly requestId: string | undefined
  /** What OpenRouter learns as the user; undefined leaves the client's. */
  readonly user: string | undefined
}

export interface Rewritten {
  readonly text: string
  /** The stream will tell a usage that the client did not ask for. */
  readonly hidesUsage: boolean
}

/**
 * Adds what metering needs to the body of a call and leaves every other byte of it.
 * https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
 * https://openrouter.ai/docs/use-cases/usage-accounting
 */
export function rewrite(
  path: string,
  body: JsonBody,
  config: Pick<ProxyConfig, 'dialect' | 'includeUsage'>,
  insertions: Insertions,
): Rewritten {
  const { value, text, members } = body
  const { family } = config.dialect
  const isCompletion = path.endsWith('/completions')
  if (family === 'openrouter') {
    const values = openRouterMembers(value, isCompletion, insertions)
    return { text: setMembers(text, members, values), hidesUsage: false }
  }
  const options = value.stream_options
  const asks = isObject(options) && options.include_usage === true
  const isOpen = options === undefined || options === null || isObject(options)
  if (!config.includeUsage || !isCompletion || value.stream !== true || asks || !isOpen) {
    return { text, hidesUsage: false }
  }
  const stream_options = { ...(isObject(options) && options), include_usage: true }
  return { text: setMembers(text, members, { stream_options }), hidesUsage: true }
}

function openRouterMembers(
  value: JsonObject,
  isCompletion: boolean,
  { user, requestId }: Insertions,
): Record<string, unknown> {
  const metadata = value.metadata ?? {}
  return {
    ...(user !== undefined && { user }),
    ...(isCompletion && { usage: { ...objectAt(value, 'usage'), include: true } }),
    ...(requestId !== undefined &&
      isObject(metadata) && { metadata: { ...metadata, request_id: requestId } }),
  }
}
