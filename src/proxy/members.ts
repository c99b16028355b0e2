/** A top-level member in the text of a JSON object. */
export interface Member {
  readonly key: string
  /** Where the key's quote stands. */
  readonly start: number
  readonly valueStart: number
  /** Just after the value. */
  readonly end: number
}

/**
 * The top-level members in a text that is known to be a valid JSON object. Editing the text by
 * their positions leaves every other byte as it was, which parsing and writing would not. Throws a
 * RangeError when a value is nested deeper than `maxDepth`.
 */
export function membersOf(text: string, maxDepth = Infinity): Member[] {
  const members: Member[] = []
  let at = skipSpace(text, text.indexOf('{') + 1)
  while (text[at] === '"') {
    const start = at
    const keyEnd = stringEnd(text, at)
    const valueStart = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = valueEnd(text, valueStart, maxDepth)
    members.push({ key: JSON.parse(text.slice(start, keyEnd)) as string, start, valueStart, end })
    at = skipSpace(text, end)
    if (text[at] !== ',') break
    at = skipSpace(text, at + 1)
  }
  return members
}

/** The text with top-level members set: replaced where they are, else added at the end. */
export function setMembers(
  text: string,
  members: readonly Member[],
  values: Readonly<Record<string, unknown>>,
): string {
  let edited = text
  const added: string[] = []
  const known = new Map(members.map((member) => [member.key, member]))
  const replaced = Object.entries(values).flatMap(([key, value]) => {
    const member = known.get(key)
    if (member === undefined) added.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`)
    return member ? [{ member, value }] : []
  })
  if (added.length > 0) {
    const close = edited.lastIndexOf('}')
    const last = members.at(-1)?.end ?? close
    const comma = members.length > 0 ? ',' : ''
    edited = edited.slice(0, last) + comma + added.join(',') + edited.slice(last)
  }
  // From the back, so that the positions before stay true.
  for (const { member, value } of replaced.toSorted((a, b) => b.member.start - a.member.start)) {
    const before = edited.slice(0, member.valueStart)
    edited = before + JSON.stringify(value) + edited.slice(member.end)
  }
  return edited
}

/** The text without one of its members. */
export function withoutMember(text: string, members: readonly Member[], index: number): string {
  const member = members[index]
  if (member === undefined) return text
  const before = members[index - 1]
  if (before) return text.slice(0, before.end) + text.slice(member.end)
  const next = members[index + 1]
  return text.slice(0, member.start) + text.slice(next?.start ?? member.end)
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (/\s/.test(text[at] ?? '')) at += 1
  return at
}

/** Just after the string that begins at `from`. */
function stringEnd(text: string, from: number): number {
  let end = text.indexOf('"', from + 1)
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end === -1 ? text.length : end + 1
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text[at - 1 - slashes] === '\\') slashes += 1
  return slashes % 2 === 1
}

function valueEnd(text: string, from: number, maxDepth: number): number {
  const first = text[from]
  if (first === '"') return stringEnd(text, from)
  if (first !== '{' && first !== '[') {
    const end = text.slice(from).search(/[\s,}\]]/)
    return end === -1 ? text.length : from + end
  }
  const marks = /["{}[\]]/g
  marks.lastIndex = from
  let depth = 0
  for (let mark = marks.exec(text); mark; mark = marks.exec(text)) {
    if (mark[0] === '"') marks.lastIndex = stringEnd(text, mark.index)
    else if (mark[0] === '{' || mark[0] === '[') depth += 1
    else depth -= 1
    if (depth === 0) return marks.lastIndex
    if (depth > maxDepth) throw new RangeError('nested too deeply')
  }
  return text.length
}
