import type { Dialect } from '../dialect.js'
import { STATUS } from './status.js'

export const ollamaDialect: Dialect = {
  provider: 'ollama',
  // A local server asks for no key.
  apiKey: () => 'none',
  failure: (kind, message) => {
    const error = kind === 'model_not_found' ? `model '${message}' not found` : message
    return { status: STATUS[kind], body: { error } }
  },
  headers: () => ({}),
}
