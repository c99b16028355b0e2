/** Bytes an HMAC secret needs at least: the output of SHA-256 (RFC 7518 §3.2). */
export const minSecretBytes = 32

// What tutorials, templates and keyboards offer; longer words first, as they contain shorter ones.
const guessableWords =
  'abcdefghijklmnopqrstuvwxyz 0123456789 1234567890 development placeholder production ' +
  'qwertyuiop asdfghjkl changeme password example express private replace testing zxcvbnm ' +
  'change please secret should string admin least super token usage 256 auth bits demo long ' +
  'test that this with your and dev for jwt key not the use at be in is me my to a'
const guessable = new RegExp(`${guessableWords.replaceAll(' ', '|')}|[\\s._:-]`, 'g')
const minOtherBytes = 16
const minDistinctCharacters = 6
const maxPartLength = 16

/**
 * What is wrong with an HMAC secret, as the end of the sentence "it …", or undefined. A heuristic
 * against secrets that someone typed or copied; it can't tell how random a secret really is.
 */
export function secretWeakness(secret: string): string | undefined {
  const bytes = Buffer.byteLength(secret)
  if (bytes < minSecretBytes) return `has ${bytes} bytes, fewer than ${minSecretBytes}`
  if (new Set(secret).size < minDistinctCharacters) return 'repeats a few characters'
  if (repeatsShortPart(secret)) return 'repeats a short part'
  const other = secret.toLowerCase().replace(guessable, '')
  if (Buffer.byteLength(other) < minOtherBytes) return 'consists of words that are easy to guess'
  return undefined
}

function repeatsShortPart(secret: string): boolean {
  for (let length = 1; length <= maxPartLength; length++) {
    if (secret.startsWith(secret.slice(length))) return true
  }
  return false
}
