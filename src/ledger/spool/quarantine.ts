import { basename, dirname, join } from 'node:path'
import { layout } from './directory.js'
import { fileMode, inEachFile, makeDirectories, type SpoolFiles } from './files.js'
import { stretchAt } from './frame.js'

/** What is kept of one damaged stretch at most, bytes. */
const maxKeptBytes = 1024 * 1024

/** Where bytes go that should be frames and are none: counted, and kept for whoever looks into it. */
export class Quarantine {
  readonly #files: SpoolFiles
  readonly #directory: string
  #stretches = 0

  constructor(files: SpoolFiles, root: string) {
    this.#files = files
    this.#directory = join(root, layout.quarantine)
  }

  /** Damaged stretches found since the start. */
  get stretches(): number {
    return this.#stretches
  }

  /** Takes a stretch of a segment. Never throws. */
  async take(segmentPath: string, offset: number, bytes: Uint8Array): Promise<void> {
    this.#stretches += 1
    const writer = basename(dirname(segmentPath))
    const name = `${writer}-${basename(segmentPath, '.log')}-${offset}.bin`
    try {
      await makeDirectories(this.#files, this.#directory)
      const kept = bytes.subarray(0, maxKeptBytes)
      await this.#files.writeFile(join(this.#directory, name), kept, { mode: fileMode })
    } catch {
      // It is counted; that the disk does not take it either shows elsewhere.
    }
  }
  /**
   * Overwrites with spaces, from one magic to the next, what names one of these users. Answers the codes
   * of failures, one for each file that stays as it was. Never rejects.
   */
  blank(userIds: readonly string[]): Promise<string[]> {
    const files = this.#files
    return inEachFile(files, this.#directory, async (path) => {
      const bytes = await files.readFile(path)
      if (!userIds.map((userId) => blanked(bytes, userId)).includes(true)) return
      // In place: whatever is cut off is done again.
      const handle = await files.open(path, 'r+')
      try {
        await handle.write(bytes, 0, bytes.length, 0)
        await handle.datasync()
      } finally {
        await handle.close()
      }
    })
  }
}

/** Whether a user was named, and is no more. */
function blanked(bytes: Buffer, userId: string): boolean {
  const name = JSON.stringify(userId)
  let isNamed = false
  for (let at = bytes.indexOf(name); at !== -1; at = bytes.indexOf(name, at)) {
    const { from, to } = stretchAt(bytes, at)
    bytes.fill(' ', from, to)
    isNamed = true
  }
  return isNamed
}
