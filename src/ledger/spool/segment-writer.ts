import type { Clock } from '../../clock.js'
import { codeOf, type SpoolFiles } from './files.js'
import type { Group } from './group.js'
import { SegmentFile } from './segment-file.js'
import type { Segments } from './segments.js'
import type { Fsync } from './spool-options.js'

/** A segment takes no more beyond this, bytes. */
const segmentBytes = 8 * 1024 * 1024
/** After this long, a segment of which most is acknowledged gives way to a new one, ms. */
const renewMs = 5_000

/** What became of groups: those that are named could not be written. */
export interface Stored {
  /** How many were written, those of earlier calls included that had to be written again. */
  readonly written: number
  readonly lost: readonly Group[]
  /** Short code of why. */
  readonly code: string
}

/** Writes groups to segments, one after the other. Its calls must not overlap, but for `sync`. */
export class SegmentWriter {
  readonly #files: SpoolFiles
  readonly #clock: Clock
  readonly #directory: string
  readonly #fsync: Fsync
  readonly #segments: Segments
  #file: SegmentFile | undefined
  #wantsNew = false

  constructor(
    parts: { files: SpoolFiles; clock: Clock; directory: string; fsync: Fsync },
    segments: Segments,
  ) {
    this.#files = parts.files
    this.#clock = parts.clock
    this.#directory = parts.directory
    this.#fsync = parts.fsync
    this.#segments = segments
  }

  get unsyncedBytes(): number {
    return this.#file?.unsyncedBytes ?? 0
  }

  /** A sync has failed: what it was to cover must be stored again, with the next groups or without. */
  get isBroken(): boolean {
    return this.#file?.isBroken ?? false
  }

  /** True when the current segment should give way, since it is mostly acknowledged. */
  wantsNew(): boolean {
    const segment = this.#file?.segment
    if (segment === undefined || segment.frames === 0) return false
    const age = this.#clock.elapsed() - segment.openedAt
    const open = segment.live + segment.spilled
    this.#wantsNew = open === 0 || (age > renewMs && open * 2 < segment.frames)
    return this.#wantsNew
  }

  /** In a segment, or after a failure in another one; a second failure in a row is the disk's. */
  async store(groups: readonly Group[]): Promise<Stored> {
    let left = groups
    for (let attempt = 1; ; attempt++) {
      try {
        if (this.isBroken) left = [...(await this.#abandon()), ...left]
        await this.#write(left)
        return { written: left.length, lost: [], code: '' }
      } catch (error) {
        const again = await this.#abandon()
        const unwritten = left.filter((one) => one.segment === undefined && !again.includes(one))
        left = [...again, ...unwritten]
        if (attempt === 2) return { written: 0, lost: left, code: codeOf(error) }
      }
    }
  }

  /** Brings to the disk what has been written, as far as the policy goes. False: see `isBroken`. */
  async sync(): Promise<boolean> {
    const file = this.#file
    try {
      if (this.#fsync === 'off') file?.settleWritten()
      else await file?.sync()
      return true
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    await this.#seal().catch(() => undefined)
  }

  async #write(groups: readonly Group[]): Promise<void> {
    if (this.#wantsNew) await this.#seal()
    for (const group of groups) {
      const file = (this.#file ??= await this.#create())
      await file.write(group)
      this.#segments.grew(group.bytes.length)
      if (file.segment.size >= segmentBytes) await this.#seal()
    }
    if (this.#fsync === 'strict') await this.#file?.sync()
    if (this.#fsync === 'off') this.#file?.settleWritten()
  }

  async #create(): Promise<SegmentFile> {
    const segment = this.#segments.create()
    try {
      const isLasting = this.#fsync !== 'off'
      return await SegmentFile.create(this.#files, segment, this.#directory, isLasting)
    } catch (error) {
      segment.isSealed = true
      this.#segments.dropIfDone(segment)
      throw error
    }
  }

  /** Gives up the current file; answers what has to be written again. */
  async #abandon(): Promise<Group[]> {
    const file = this.#file
    if (file === undefined) return []
    this.#file = undefined
    const again = await file.abandon()
    file.segment.isSealed = true
    this.#segments.dropIfDone(file.segment)
    return again.filter((group) => group.live > 0 || group.spilled > 0)
  }

  /** Nothing more is written to the current file, if there is one. */
  async #seal(): Promise<void> {
    this.#wantsNew = false
    const file = this.#file
    if (file === undefined) return
    if (this.#fsync === 'off') file.settleWritten()
    else if (!file.segment.isDone) await file.sync()
    this.#file = undefined
    await file.close()
    file.segment.isSealed = true
    this.#segments.dropIfDone(file.segment)
  }
}
