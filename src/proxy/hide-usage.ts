import { isObject, parseJson } from '../capture/json.js'
import { membersOf, withoutMember } from './members.js'

/**
 * One event of a completions stream as it would be without `stream_options.include_usage`: the
 * chunk that only carries the usage is gone (empty), the `usage: null` of the others as well.
 */
export function hideUsage(event: Buffer): Buffer {
  if (!event.includes('"usage"')) return event
  const text = event.toString('utf8')
  const line = /^(\s*data: ?)(\{.*\})([ \t]*[\r\n]+)$/.exec(text)
  const [, before, json, after] = line ?? []
  if (before === undefined || json === undefined || after === undefined) return event
  const chunk = parseJson(json)
  if (!isObject(chunk)) return event
  const { choices, usage } = chunk
  if (isObject(usage) && Array.isArray(choices) && choices.length === 0) return Buffer.alloc(0)
  if (usage !== null) return event
  const members = membersOf(json)
  const index = members.findIndex(({ key }) => key === 'usage')
  return Buffer.from(before + withoutMember(json, members, index) + after)
}
