import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../src/logger.js'

export interface ProgressOptions {
  label: string
  /** What has arrived is the size of this directory. */
  dir: string
  /** Unknown when absent. */
  totalBytes?: number
  log: Logger
}

const terminalMs = 250
const lineMs = 5000

/**
 * Shows how a download grows: one line rewritten in place on a terminal, a log line every five
 * seconds elsewhere. Call the answer to end it.
 */
export function showProgress(options: ProgressOptions): () => void {
  const { stderr } = process
  let ended = false
  const tick = async () => {
    const text = describe(await sizeOf(options.dir), options)
    if (ended) return
    if (stderr.isTTY) stderr.write(`\r\u001B[2K${text}`)
    else options.log.info(text)
  }
  const timer = setInterval(() => void tick(), stderr.isTTY ? terminalMs : lineMs).unref()
  return () => {
    ended = true
    clearInterval(timer)
    if (stderr.isTTY) stderr.write('\r\u001B[2K')
  }
}

function describe(bytes: number, { label, totalBytes }: ProgressOptions): string {
  const megabytes = (count: number) => Math.round(count / 1e6)
  if (totalBytes === undefined) return `${label}: ${megabytes(bytes)} MB`
  const arrived = Math.min(bytes, totalBytes)
  const percent = Math.floor((100 * arrived) / totalBytes)
  return `${label}: ${megabytes(arrived)} of ${megabytes(totalBytes)} MB (${percent} %)`
}

async function sizeOf(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    if (!entry.isFile()) continue
    bytes += await stat(join(entry.parentPath, entry.name)).then(
      ({ size }) => size,
      () => 0,
    )
  }
  return bytes
}
