import type { UnrecordedEvent } from '../../event.js'
import { eventOfJson } from './event-json.js'
import { framesIn, isFrame, payloadOf } from './frame.js'
import type { Group, Range } from './group.js'

/** The events of groups that are nowhere else, with when they were accepted. */
export function* spilledIn(
  groups: readonly Group[],
): Generator<readonly [UnrecordedEvent, Range], void> {
  for (const { bytes, ranges } of groups) {
    for (const range of ranges) {
      const part = bytes.subarray(range.from, range.to)
      for (const one of framesIn(part)) {
        const event = isFrame(one) ? eventOfJson(payloadOf(part, one)) : undefined
        if (event !== undefined) yield [event, range]
      }
    }
  }
}
