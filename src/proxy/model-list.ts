import { isObject } from '../capture/json.js'
import { refusal } from './failure.js'
import type { RequestBody } from './request-body.js'

/** Decides which models may be asked for. */
export type ModelCheck = (fromPath: string | undefined, body: RequestBody) => void

/**
 * Holds every model that a call names against the list. A call whose model cannot be seen (none is
 * named, a multipart form, an OpenRouter preset) is refused: the provider would choose it.
 * Throws `model_not_allowed`.
 */
export function createModelCheck(models: readonly string[] | undefined): ModelCheck {
  if (models === undefined) return () => undefined
  const exact = new Set(models.filter((model) => !model.endsWith('*')))
  const prefixes = models.filter((model) => model.endsWith('*')).map((model) => model.slice(0, -1))
  const isAllowed = (asked: string) => {
    const model = asked.replace(/^models\//, '')
    return exact.has(model) || prefixes.some((prefix) => model.startsWith(prefix))
  }
  return (fromPath, body) => {
    const asked = [...(fromPath === undefined ? [] : [fromPath]), ...namedIn(body)]
    const isUnseen = body.kind === 'stream' || (body.kind === 'json' && asked.length === 0)
    if (isUnseen || !asked.every((model) => typeof model === 'string' && isAllowed(model))) {
      throw refusal('model_not_allowed', 'This model may not be asked for')
    }
  }
}

/** What the body names as models, of any type: only strings can be allowed. */
function namedIn(body: RequestBody): unknown[] {
  if (body.kind !== 'json') return []
  const { model, models, preset, requests, agent } = body.value
  const several: unknown[] = Array.isArray(models) ? models : defined(models)
  const inRequests = Array.isArray(requests)
    ? requests.flatMap((each) => (isObject(each) ? defined(each.model) : []))
    : []
  return [
    ...defined(model),
    ...several,
    ...defined(agent),
    ...inRequests,
    ...(preset == null ? [] : [null]),
  ]
}

function defined(value: unknown): unknown[] {
  return value === undefined ? [] : [value]
}
