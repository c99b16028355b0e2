import { match, type MatchFunction } from 'path-to-regexp'
import type { ProxyPath } from './dialects.js'

interface Entry {
  readonly path: ProxyPath
  readonly methods: readonly string[] | undefined
  readonly matches: MatchFunction<Partial<Record<string, string | string[]>>>
}

/** What a path turned out to be. */
export type Found =
  | { readonly outcome: 'allowed'; readonly path: ProxyPath; readonly model: string | undefined }
  | { readonly outcome: 'wrong_method'; readonly allow: readonly string[] }
  | { readonly outcome: 'unknown' }

/** The allow-list of paths. */
export class PathTable {
  readonly #entries: readonly Entry[]

  constructor(paths: readonly ProxyPath[]) {
    this.#entries = paths.map((path) => ({
      path,
      methods: path.methods?.map((method) => method.toUpperCase()),
      matches: match(path.path, { sensitive: true, trailing: false, decode: false }),
    }))
  }

  find(method: string, path: string): Found {
    const allow: string[] = []
    for (const entry of this.#entries) {
      const found = entry.matches(path)
      if (found === false) continue
      if (entry.methods === undefined || entry.methods.includes(method)) {
        const { model } = found.params
        const asked = typeof model === 'string' ? model : undefined
        return { outcome: 'allowed', path: entry.path, model: asked }
      }
      allow.push(...entry.methods)
    }
    return allow.length > 0 ? { outcome: 'wrong_method', allow } : { outcome: 'unknown' }
  }
}

/** A pattern as people write it: without the backslashes that make `:` a colon. */
export function shownPattern(pattern: string): string {
  return pattern.replaceAll('\\', '')
}
