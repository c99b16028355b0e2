/** Who an operation belongs to when nobody said who is asking: one bucket, shared by all of them. */
export const anonymousUserId = 'anonymous'

// Two different lone surrogates become the same bytes in BSON, so ids with them would collide.
const identifier = /^[^\p{Cc}\p{Cs}]{1,256}$/u

/**
 * A non-empty, well-formed string of at most 256 characters (code points) without control
 * characters, or undefined. The rule of every name that is stored: user, tier, organisation.
 */
export function parseIdentifier(value: unknown): string | undefined {
  return typeof value === 'string' && identifier.test(value) ? value : undefined
}

/** What a host's own id is called: an integer of SQL's or an ObjectId is known by its text. */
export function parseHostId(value: unknown): string | undefined {
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value)
  return parseIdentifier(hasHex(value) ? value.toHexString() : value)
}

function hasHex(value: unknown): value is { toHexString(): unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'toHexString' in value &&
    typeof value.toHexString === 'function'
  )
}

/**
 * A user id, or undefined when the value is none; compared exactly, never trimmed or folded.
 * `anonymousUserId` has the form of one: an admin may ask for that bucket. A token may not claim it.
 */
export function parseUserId(value: unknown): string | undefined {
  return parseIdentifier(value)
}
