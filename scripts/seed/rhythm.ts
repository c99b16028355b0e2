import { dayMs, hourMs, type Span } from '../../src/time.js'

/** How many operations an hour has. */
export interface Hour extends Span {
  operations: number
}

/** Spreads operations over the hours of a span: day and night, weekends, and slow growth. */
export function spreadOverHours({ from, to }: Span, operations: number): Hour[] {
  const hours: { from: Date; to: Date; weight: number }[] = []
  const start = from.getTime()
  const end = to.getTime()
  for (let at = start; at < end;) {
    const next = Math.min(end, Math.floor(at / hourMs + 1) * hourMs)
    const growth = 1 + 0.5 * ((at - start) / (end - start))
    const weight = growth * weightOf(at) * (next - at)
    hours.push({ from: new Date(at), to: new Date(next), weight })
    at = next
  }
  const all = hours.reduce((sum, { weight }) => sum + weight, 0)
  let weightSoFar = 0
  let given = 0
  return hours.map(({ weight, ...hour }) => {
    weightSoFar += weight
    const due = Math.round((weightSoFar / all) * operations)
    const count = due - given
    given = due
    return { ...hour, operations: count }
  })
}

/** Busy before noon and in the afternoon, a third at the weekend, a little at night. */
function weightOf(at: number): number {
  const hour = (at % dayMs) / hourMs
  const weekday = new Date(at).getUTCDay()
  const weekend = weekday === 0 || weekday === 6
  const busy = bell(hour, 10.5, 2.4) + 0.9 * bell(hour, 15, 2.8) + 0.25 * bell(hour, 20.5, 2)
  return (0.08 + busy) * (weekend ? 0.35 : 1)
}

function bell(hour: number, center: number, width: number): number {
  return Math.exp(-((hour - center) ** 2) / (2 * width ** 2))
}
