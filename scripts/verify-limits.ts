import { healAll } from '../src/limits/heal-all.js'
import type { Difference } from '../src/limits/heal.js'
import type { Store } from '../src/store/store.js'

interface VerifyLimitsOptions {
  readonly timezone: string
  readonly repair: boolean
}

/** Holds the counters of limits against the log; answers the exit code. */
export async function verifyLimits(store: Store, options: VerifyLimitsOptions): Promise<number> {
  const { timezone, repair } = options
  const onDifference = (subject: string, difference: Difference) => {
    console.log(describe(subject, difference))
  }
  const now = Date.now()
  const report = await healAll(store, { timezone, now, heals: repair, onDifference })
  const { counters, differ, busy } = report
  const waiting = busy === 0 ? '' : `, ${busy} in use and not judged`
  const verb = repair ? 'put right' : 'differ from the log'
  console.log(`${counters} counters of limits: ${differ} ${verb}${waiting}.`)
  return differ === 0 || repair ? 0 : 1
}

function describe(subject: string, { key, counted, logged }: Difference): string {
  const parts = (['requests', 'tokens', 'cost'] as const)
    .filter((metric) => counted[metric] !== logged[metric])
    .map((metric) => {
      const unit = metric === 'cost' ? ' nano-USD' : ''
      return `${metric} ${counted[metric]} counted, ${logged[metric]} logged${unit}`
    })
  return `${subject} ${key}: ${parts.join('; ')}`
}
