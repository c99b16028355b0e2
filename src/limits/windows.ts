import { DateTime } from 'luxon'
import { startOf } from '../time.js'
import type { Window } from './plan.js'

/** A calendar window that an instant lies in. Its key is part of each counter: nothing is reset. */
export interface CalendarWindow {
  /** `day@2026-11-25`. */
  readonly key: string
  readonly window: Window
  /** Epoch ms of its start; -Infinity for a lifetime. */
  readonly from: number
  /** Epoch ms at which the next begins; Infinity for a lifetime. */
  readonly resetsAt: number
  /** Keys of the one before and the one after, which instances with other clocks may be in. */
  readonly neighbours: readonly string[]
}

const formats = {
  minute: "yyyy-MM-dd'T'HHmm",
  hour: "yyyy-MM-dd'T'HH",
  day: 'yyyy-MM-dd',
  month: 'yyyy-MM',
} as const

/** Calendar windows of a zone, found once and used until the first of them ends. */
export class Calendar {
  readonly #zone: string
  readonly #current = new Map<Window, CalendarWindow>()

  constructor(zone: string) {
    this.#zone = zone
  }

  at(now: number, window: Window): CalendarWindow {
    const known = this.#current.get(window)
    if (known !== undefined && now >= known.from && now < known.resetsAt) return known
    const found = this.#find(now, window)
    this.#current.set(window, found)
    return found
  }

  #find(now: number, window: Window): CalendarWindow {
    if (window === 'lifetime') {
      return { key: 'lifetime', window, from: -Infinity, resetsAt: Infinity, neighbours: [] }
    }
    const start = startOfWindow(DateTime.fromMillis(now, { zone: this.#zone }), window)
    const next = startOfWindow(start.plus({ [window]: 1 }), window)
    const before = start.minus({ [window]: 1 })
    return {
      key: this.#key(window, start),
      window,
      from: start.toMillis(),
      resetsAt: next.toMillis(),
      neighbours: [this.#key(window, before), this.#key(window, next)],
    }
  }

  /** Hours and minutes that an autumn night has twice are told apart by their offset. */
  #key(window: Exclude<Window, 'lifetime'>, start: DateTime): string {
    const offset = window === 'hour' || window === 'minute' ? start.toFormat('ZZZ') : ''
    return `${window}@${start.toFormat(formats[window])}${offset}`
  }
}

function startOfWindow(at: DateTime, window: Exclude<Window, 'lifetime'>): DateTime {
  return window === 'day' || window === 'month' ? startOf(at, window) : at.startOf(window)
}
