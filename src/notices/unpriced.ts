import type { UnrecordedEvent } from '../event.js'
import { dayMs, floorTo } from '../time.js'
import type { Notices } from './notices.js'

/** Tells of models in an event that have no price, once a model and UTC day. */
export function tellUnpriced(notices: Notices, event: UnrecordedEvent, now: number): void {
  if (event.cost_nano_usd !== null || event.tokens_used === 0) return
  const today = floorTo(now, dayMs)
  for (const share of event.models ?? [event]) {
    if (share.cost_nano_usd !== null) continue
    const { provider, model } = share
    const id = `${provider ?? ''}:${model ?? ''}:${today}`
    notices.raise('unpriced', id, today + dayMs, () => ({
      type: 'unpriced',
      ...(provider !== undefined && { provider }),
      ...(model !== undefined && { model }),
      at: new Date(now),
    }))
  }
}
