import type { IncomingMessage } from 'node:http'
import parseUrl from 'parseurl'
import { match, type MatchFunction } from 'path-to-regexp'
import type { Operation } from './capture.js'

/** An AI operation of the host: which requests it is, and what it is called. */
export interface OperationOptions {
  /** Path pattern of the full path, as in Express 5: `/api/ask`, `/v1/:tenant/chat`, `/llm/*rest`. */
  path: string
  /** Name under which it is counted (`operation_type`): letters, digits, `_`, `-`, `.`. */
  type: string
  /** Tokens booked when nothing better is known. Default 500. */
  estimateTokens?: number | undefined
  /** HTTP methods; default all but OPTIONS. HEAD is an operation wherever GET is. */
  methods?: readonly string[] | undefined
}

/** The operations every host has. */
export const defaultOperations: readonly OperationOptions[] = [
  { path: '/ai/chat', type: 'chat', estimateTokens: 500 },
  { path: '/ai/chat/stream', type: 'chat_stream', estimateTokens: 750 },
  { path: '/ai/summarize', type: 'summarize', estimateTokens: 1000 },
  { path: '/ai/summarize/stream', type: 'summarize_stream', estimateTokens: 1000 },
  { path: '/ai/qa', type: 'qa', estimateTokens: 800 },
  { path: '/ai/qa/stream', type: 'qa_stream', estimateTokens: 800 },
  { path: '/ai/qa/file', type: 'qa_file', estimateTokens: 800 },
  { path: '/ai/mindmap', type: 'mindmap', estimateTokens: 2000 },
  { path: '/ai/upload', type: 'upload', estimateTokens: 0 },
]

interface Entry {
  readonly operation: Operation
  readonly methods: ReadonlySet<string> | undefined
}

/** Finds the operation of a request, the host's own before the built-in ones. */
export class OperationTable {
  readonly #exact = new Map<string, Entry[]>()
  /** Where our API has been found to be mounted, and the first parts of its paths there. */
  readonly #own = new Map<string, ReadonlySet<string>>()
  readonly #patterns: { matches: MatchFunction<object>; entry: Entry }[] = []

  constructor(options: readonly OperationOptions[]) {
    for (const { path, type, estimateTokens = 500, methods } of options) {
      const entry = {
        operation: { endpoint: path, type, estimateTokens },
        methods: methods && new Set(methods.map((method) => method.toUpperCase())),
      }
      if (/[:*{}()[\]\\?+!]/.test(path)) {
        this.#patterns.push({ matches: match(path, { sensitive: false, trailing: true }), entry })
      } else {
        const key = normalize(path)
        this.#exact.set(key, [...(this.#exact.get(key) ?? []), entry])
      }
    }
  }

  /** The operation of a request target (path with query), or undefined for what is not tracked. */
  find(method: string, target: string): Operation | undefined {
    const mark = target.indexOf('?')
    const raw = mark === -1 ? target : target.slice(0, mark)
    for (const entry of this.#exact.get(raw) ?? [])
      if (allows(entry, method)) return entry.operation
    const routed = pathOf(target, raw)
    if (this.#isOwnPath(routed.toLowerCase())) return undefined
    const path = normalize(routed)
    for (const entry of this.#exact.get(path) ?? [])
      if (allows(entry, method)) return entry.operation
    return this.#patterns.find(
      ({ matches, entry }) => allows(entry, method) && matches(path) !== false,
    )?.entry.operation
  }

  /** Whether a request target is one of our API's: never an operation. */
  isOwn(target: string): boolean {
    const mark = target.indexOf('?')
    const raw = mark === -1 ? target : target.slice(0, mark)
    return this.#isOwnPath(pathOf(target, raw).toLowerCase())
  }

  /** Learns where else our API is: below this path, with these first parts. */
  addOwn(base: string, names: ReadonlySet<string>): void {
    const path = base.toLowerCase()
    if (path !== '/ai/usage' && this.#own.size < maxOwn) this.#own.set(path, names)
  }

  /** Only as Express would hand it to us: not folded, not decoded. */
  #isOwnPath(path: string): boolean {
    if (path === '/ai/usage' || path.startsWith('/ai/usage/')) return true
    for (const [base, names] of this.#own) {
      if (!path.startsWith(`${base}/`)) continue
      const [name = ''] = path.slice(base.length + 1).split('/', 1)
      if (names.has(name)) return true
    }
    return false
  }
}

/** Mount paths with parameters could be endless. */
const maxOwn = 16

/** Express answers HEAD with what it has for GET. */
function allows({ methods }: Entry, method: string): boolean {
  if (methods === undefined) return method !== 'OPTIONS'
  return methods.has(method) || (method === 'HEAD' && methods.has('GET'))
}

/**
 * The path as Express finds it, by the library that finds it there: it takes pains with targets out of
 * the ordinary, those in absolute form (`http://host/path`) and with a fragment.
 */
function pathOf(target: string, raw: string): string {
  if (target.startsWith('/') && !/[\s#\ufeff]/.test(target)) return raw
  try {
    return parseUrl({ url: target } as IncomingMessage)?.pathname ?? raw
  } catch {
    return raw
  }
}

/** One spelling for all that a router may take for the same path: case, `//`, trailing `/`, `%2e`. */
function normalize(path: string): string {
  const decoded = path.includes('%') ? decode(path) : path
  const folded = decoded.toLowerCase().replace(/\/{2,}/g, '/')
  return folded.length > 1 && folded.endsWith('/') ? folded.slice(0, -1) : folded
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
