/** Where a request wants to go below the base URL, safe to be appended to it. */
export interface Target {
  /** Begins with `/`; decoded and canonical: what was checked is what is sent. */
  readonly path: string
  /** With its `?`, or empty; without credentials. */
  readonly query: string
  /** A token that came as `?key=`, as Gemini's clients may send it. */
  readonly key: string | undefined
}

/** Letters that mean themselves in a path; `/`, `%` and all that could be read twice are not among them. */
const segment = /^[\w.:@~=,+-]{1,256}$/

/** Query parameters that carry credentials, at one provider or another. */
const credentials = new Set(['key', 'api_key', 'api-key', 'apikey', 'access_token', 'oauth_token'])

/**
 * Reads the request's URL below the mount path. Undefined for anything but plain segments: dot
 * segments, `//`, encoded slashes, back slashes, absolute forms.
 */
export function parseTarget(url: string): Target | undefined {
  if (!url.startsWith('/')) return undefined
  const mark = url.indexOf('?')
  const raw = mark === -1 ? url : url.slice(0, mark)
  const segments = raw.slice(1).split('/').map(decode)
  if (!segments.every(isPlain)) return undefined
  const { query, key } = readQuery(mark === -1 ? '' : url.slice(mark + 1))
  return { path: `/${segments.join('/')}`, query, key }
}

function isPlain(text: string): boolean {
  return segment.test(text) && text !== '.' && text !== '..'
}

/** An undecodable segment decodes to nothing, which is no segment. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** Leaves the client's credentials out, and Google's system parameters (`$…`), which change calls. */
function readQuery(text: string): Pick<Target, 'query' | 'key'> {
  let key: string | undefined
  const kept = text.split('&').filter((pair) => {
    if (pair === '') return false
    const [[name, value] = ['', '']] = [...new URLSearchParams(pair)]
    if (name === 'key') key ??= value
    return !credentials.has(name.toLowerCase()) && !name.startsWith('$')
  })
  return { query: kept.length === 0 ? '' : `?${kept.join('&')}`, key }
}
