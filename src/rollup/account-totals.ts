import type { TotalsBefore } from '../store/account-totals.js'
import type { Store } from '../store/store.js'
import type { UserTotals } from '../store/user-sums.js'
import { dayMs, floorTo } from '../time.js'

export type TotalsDoor = Pick<Store, 'days' | 'totals'> & {
  readonly db: Pick<Store['db'], 'serverNow'>
}

const usersAtOnce = 500
/** Sums of long ago are added up anew this often. */
const keptMs = 7 * dayMs

/** What is to be done for some users. */
interface Task {
  readonly users: readonly string[]
  readonly firstSeen: ReadonlyMap<string, Date>
  readonly rebuilt: boolean
  /** Days before this are of long ago. */
  readonly until: Date
}

/**
 * Brings the sums that accounts of these users carry up to what their days say, and `first_seen_at` with
 * them: an account is made by the latest operation of a batch, and learns of earlier ones here. What
 * days of long ago add up to is kept, as a user may have hundreds of them and this is done every minute.
 */
export async function putAccountTotals(
  store: TotalsDoor,
  firstSeen: ReadonlyMap<string, Date>,
  rebuilt = false,
): Promise<void> {
  const now = await store.db.serverNow()
  const until = new Date(floorTo(now.getTime(), dayMs) - dayMs)
  const all = [...firstSeen.keys()]
  for (let i = 0; i < all.length; i += usersAtOnce)
    await putSome(store, { users: all.slice(i, i + usersAtOnce), firstSeen, rebuilt, until })
}

async function putSome(store: TotalsDoor, task: Task): Promise<void> {
  const { users, firstSeen, rebuilt, until } = task
  const changed = users.filter((user) => rebuilt || isBefore(firstSeen.get(user), until))
  await store.totals.forget(changed)
  const kept = await store.totals.kept(users)
  const before = new Map<string, TotalsBefore>()
  const without: string[] = []
  for (const user of users) {
    const known = kept.get(user)?.before
    if (known !== undefined && isUsable(known, until)) before.set(user, known)
    else without.push(user)
  }
  const summed = new Map<string, TotalsBefore>()
  for (const { _id, ...sums } of await store.days.totals(without, { to: until }))
    summed.set(_id, { date: until, ...sums })
  const since = await totalsSince(store, [...without, ...before.keys()], before, until)
  const totals = users.flatMap((user) => {
    return addUp(user, before.get(user) ?? summed.get(user), since.get(user))
  })
  await store.totals.put(totals, firstSeen, rebuilt)
  await store.totals.keep(summed, kept)
}

function isBefore(at: Date | undefined, until: Date): boolean {
  return at !== undefined && at < until
}

/** Not where the clock has been put back since. */
function isUsable({ date }: TotalsBefore, until: Date): boolean {
  return date <= until && until.getTime() - date.getTime() < keptMs
}

/** What the days from where each one's sums of long ago end add up to. */
async function totalsSince(
  store: TotalsDoor,
  users: readonly string[],
  before: ReadonlyMap<string, TotalsBefore>,
  until: Date,
): Promise<Map<string, UserTotals>> {
  const byDate = new Map<number, string[]>()
  for (const user of users) {
    const from = (before.get(user)?.date ?? until).getTime()
    const some = byDate.get(from)
    if (some === undefined) byDate.set(from, [user])
    else some.push(user)
  }
  const found = new Map<string, UserTotals>()
  for (const [from, some] of byDate)
    for (const one of await store.days.totals(some, { from: new Date(from) }))
      found.set(one._id, one)
  return found
}

function addUp(
  _id: string,
  before: TotalsBefore | undefined,
  since: UserTotals | undefined,
): UserTotals[] {
  if (before === undefined || since === undefined) {
    if (since !== undefined) return [since]
    if (before === undefined) return []
    const { date: _, ...sums } = before
    return [{ _id, ...sums }]
  }
  return [
    {
      _id,
      total_operations: before.total_operations + since.total_operations,
      total_tokens: before.total_tokens + since.total_tokens,
      total_cost_nano_usd: before.total_cost_nano_usd + since.total_cost_nano_usd,
      total_unpriced_operations: before.total_unpriced_operations + since.total_unpriced_operations,
      last_active_at: latest(before.last_active_at, since.last_active_at),
      last_recorded_at: latest(before.last_recorded_at, since.last_recorded_at),
      price_revisions: before.price_revisions + since.price_revisions,
    },
  ]
}

function latest(a: Date, b: Date): Date {
  return a > b ? a : b
}
