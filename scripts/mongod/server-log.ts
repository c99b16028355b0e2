import { open, rename, stat } from 'node:fs/promises'
import * as z from 'zod'

const maxLogBytes = 10_000_000

/** Keeps one older log beside the log, once it is over 10 MB. */
export async function rotateLog(logPath: string): Promise<void> {
  const { size } = await stat(logPath).catch(() => ({ size: 0 }))
  if (size > maxLogBytes) await rename(logPath, `${logPath}.1`)
}

const LogLine = z.object({
  s: z.string(),
  msg: z.string(),
  attr: z.object({ error: z.unknown().optional(), pid: z.unknown().optional() }).optional(),
})

/** What the process `pid` has logged as errors, shortened; empty when nothing. */
export async function lastErrors(logPath: string, pid: number): Promise<string> {
  const lines = await tail(logPath).catch(() => '')
  let ours = false
  let errors: string[] = []
  for (const line of lines.split('\n')) {
    const parsed = parseLine(line)
    if (parsed?.msg === 'MongoDB starting') {
      ours = parsed.attr?.pid === pid
      errors = []
    }
    if (ours && (parsed?.s === 'E' || parsed?.s === 'F')) errors.push(describe(parsed))
  }
  return errors.slice(0, 3).join('; ').slice(0, 600)
}

function parseLine(line: string): z.infer<typeof LogLine> | undefined {
  try {
    return LogLine.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

function describe({ msg, attr }: z.infer<typeof LogLine>): string {
  const error = attr?.error
  if (error === undefined) return msg
  return `${msg} (${typeof error === 'string' ? error : JSON.stringify(error)})`
}

async function tail(path: string, bytes = 65_536): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const buffer = Buffer.alloc(Math.min(size, bytes))
    await file.read(buffer, 0, buffer.length, size - buffer.length)
    return buffer.toString('utf8')
  } finally {
    await file.close()
  }
}
