import type { Format } from '../format.js'
import { MODELS } from '../models.js'
import { openaiDialect } from './openai-dialect.js'

const CREATED_SECONDS = 1_754_000_000

export const openaiModels: Format = {
  method: 'GET',
  path: '/v1/models',
  dialect: openaiDialect,
  plan: () => ({ kind: 'free', json: () => ({ object: 'list', data: models() }) }),
}

function models() {
  return MODELS.filter(({ provider }) => provider === 'openai')
    .flatMap(({ id, snapshot }) => [...new Set([id, snapshot])])
    .map((id) => ({ id, object: 'model', created: CREATED_SECONDS, owned_by: 'system' }))
}
