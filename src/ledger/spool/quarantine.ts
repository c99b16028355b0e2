import { basename, dirname, join } from 'node:path'
import { layout } from './directory.js'
import { fileMode, makeDirectories, type SpoolFiles } from './files.js'

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
}
