import type { Totals } from '../../models/account.js'
import type { Figures } from '../rollup/cells.js'

/** What has been used. */
export interface Sum {
  operations: number
  tokens: number
  cost_nano_usd: number
  unpriced_operations: number
}

/** What a user has used in some spans. */
export interface UserSum extends Sum {
  user_id: string
}

/** What all have used on a day. */
export interface DaySum extends Sum {
  day: string
  /** How many they are, where all of the day is one document; null where none of it is. */
  users: number | null
}

/** All of it. */
export interface UserFigures extends Figures {
  user_id: string
  last_activity_at: Date
}

/** What a user has used as long as there are rollups of it. */
export interface UserTotals extends Totals {
  /** The user id. */
  _id: string
}
