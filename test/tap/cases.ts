import type { Case } from './case.js'
import { faulty } from './fault-cases.js'
import { bodiless, encoded, heads } from './head-cases.js'
import { streamed } from './stream-cases.js'
import { whole } from './whole-cases.js'

export const groups: Record<string, Record<string, Case>> = {
  'whole answers': whole,
  'streamed answers': streamed,
  'answers without a body': bodiless,
  'heads and 1xx': heads,
  'bodies encoded upstream': encoded,
  faults: faulty,
}
