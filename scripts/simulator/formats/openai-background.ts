import { Refusal } from '../dialect.js'
import type { Format } from '../format.js'
import { openaiDialect } from './openai-dialect.js'

/** Responses kept at most. */
const maxKept = 1_000

interface Kept {
  readonly whole: object
  isAskedFor: boolean
}

/** Responses made in the background: queued, then in progress, then whole whenever they are asked for. */
export class Background {
  readonly #kept = new Map<string, Kept>()

  /** Answers it as it is told to whoever makes it. */
  begin(id: string, whole: unknown): object {
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined && this.#kept.size >= maxKept) this.#kept.delete(oldest)
    const kept = { whole: { ...(whole as object), background: true }, isAskedFor: false }
    this.#kept.set(id, kept)
    return unfinished(kept, 'queued')
  }

  ask(id: string): object {
    const kept = this.#kept.get(id)
    if (kept === undefined) throw new Refusal('not_found', `Response with id '${id}' not found.`)
    if (kept.isAskedFor) return kept.whole
    kept.isAskedFor = true
    return unfinished(kept, 'in_progress')
  }
}

function unfinished({ whole }: Kept, status: string): object {
  return { ...whole, status, output: [], usage: null, incomplete_details: null }
}

export function openaiBackground(background: Background): Format {
  return {
    method: 'GET',
    path: '/v1/responses/{id}',
    dialect: openaiDialect,
    plan: ({ params }) => {
      const told = background.ask(params.id ?? '')
      return { kind: 'free', json: () => told }
    },
  }
}
