import type { Dialect, FailureKind } from '../dialect.js'
import { bearerToken } from './openai-dialect.js'
import { STATUS } from './status.js'

export const openrouterDialect: Dialect = {
  provider: 'openrouter',
  apiKey: ({ authorization }) => bearerToken(authorization),
  failure: (kind, message) => {
    const status = STATUS[kind]
    return { status, body: { error: { message: wording(kind, message), code: status } } }
  },
  headers: () => ({}),
}

function wording(kind: FailureKind, message: string): string {
  if (kind === 'model_not_found') return `No endpoints found for ${message}.`
  if (kind === 'unauthorized') return 'No auth credentials found'
  return message
}
