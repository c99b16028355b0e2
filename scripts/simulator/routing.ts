import type { Format } from './format.js'

export interface Route {
  readonly format: Format
  /** What stands for the `{names}` of the format's path. */
  readonly params: Readonly<Record<string, string>>
}

/** Finds the format that answers a method and path, undefined when there is none. */
export function routing(
  formats: readonly Format[],
): (method: string, path: string) => Route | undefined {
  const patterns = formats.map((format) => ({ format, pattern: patternOf(format.path) }))
  return (method, path) => {
    for (const { format, pattern } of patterns) {
      const found = format.method === method ? pattern.exec(path) : null
      const params = found && decoded(found.groups ?? {})
      if (params) return { format, params }
    }
    return undefined
  }
}

function patternOf(path: string): RegExp {
  const literal = path.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
  return new RegExp(`^${literal.replace(/\{(\w+)\}/g, '(?<$1>[^/]+?)')}$`)
}

function decoded(groups: Record<string, string>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]),
    )
  } catch {
    return undefined
  }
}
