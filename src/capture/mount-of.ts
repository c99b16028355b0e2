/** What Express says of where a handler is mounted. */
export interface Mounted {
  readonly baseUrl: string
  readonly params: Readonly<Record<string, unknown>>
}

/** What no route is named like, but what a parameter may hold: ids, addresses, anything encoded. */
const isValue = /[%@:]|^\d+$|^[\da-f-]{16,}$|^.{41,}$/i

/**
 * The mount path as a pattern: a part that a parameter of the mount has taken is named after it. Of a
 * router above, Express tells the parameters with `mergeParams` only; else what looks like a value is
 * taken for one. Lower case, since Express finds a mount in any.
 */
export function mountOf({ baseUrl, params }: Mounted): string {
  if (baseUrl === '') return ''
  const names = new Map(Object.entries(params).map(([name, value]) => [String(value), name]))
  const parts = baseUrl.split('/').map((part) => {
    const name = names.get(decode(part))
    if (name !== undefined) return `:${name}`
    return isValue.test(part) ? ':value' : part.toLowerCase()
  })
  return parts.join('/')
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
