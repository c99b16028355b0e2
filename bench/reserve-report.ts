import { ratioText, spreadOf } from './report.js'
import type { ReserveTimes } from './reserve.js'
import { Child } from './rpc.js'

const count = 300
const users = 20

/** What holding room for an operation and settling it costs, against two plain updates of a counter. */
export async function measureReserve(
  built: (file: string) => string,
  uri: string,
  slices: number,
): Promise<string> {
  const child = await Child.start(built('reserve.js'), [uri])
  await child.ask('run', { count, users })
  const medians: { limits: number; raw: number }[] = []
  for (let slice = 0; slice < slices; slice++) {
    const { limits, raw } = await child.ask<ReserveTimes>('run', { count, users })
    medians.push({ limits: spreadOf(limits).median, raw: spreadOf(raw).median })
  }
  await child.stop()
  const ratios = medians.map(({ limits, raw }) => limits / raw)
  const ms = (way: 'limits' | 'raw') => spreadOf(medians.map((one) => one[way])).median.toFixed(2)
  return (
    `Holding room in two limits and settling takes ${ms('limits')} ms in the median, ` +
    `${ratioText(ratios)} of two raw \`findOneAndUpdate\` (${ms('raw')} ms; ${slices} slices of ${count} ` +
    `of each in turns); a plan without limits asks nothing of MongoDB.`
  )
}
