import type { Clock } from '../../clock.js'
import { codeOf, type SpoolFiles } from './files.js'
import { runsOf, type Group } from './group.js'
import { SegmentFile } from './segment-file.js'
import type { Segments } from './segments.js'
import type { Fsync } from './spool-options.js'

/** A segment takes no more beyond this, bytes. */
const segmentBytes = 8 * 1024 * 1024
/** Or this, where the disk gives no new file. */
const mostBytes = 4 * segmentBytes
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

interface WriterParts {
  readonly files: SpoolFiles
  readonly clock: Clock
  readonly directory: string
  readonly fsync: Fsync
  /** A file that was full is on the disk, or see `isBroken`. */
  readonly onSealed: () => void
}

/** Writes groups to segments, one after the other. Its calls must not overlap, but for `sync`. */
export class SegmentWriter {
  readonly #files: SpoolFiles
  readonly #clock: Clock
  readonly #directory: string
  readonly #fsync: Fsync
  readonly #segments: Segments
  #file: SegmentFile | undefined
  /** Of files that had to be given up: to be written first. */
  #again: Group[] = []
  readonly #onSealed: () => void
  /** Brings the file before the current one to the disk, and closes it. Never rejects. */
  #sealing: Promise<void> | undefined
  #wantsNew = false
  #isWriting = false
  #syncingSince: number | undefined

  constructor(parts: WriterParts, segments: Segments) {
    this.#files = parts.files
    this.#clock = parts.clock
    this.#directory = parts.directory
    this.#fsync = parts.fsync
    this.#onSealed = parts.onSealed
    this.#segments = segments
  }

  get unsyncedBytes(): number {
    return this.#file?.unsyncedBytes ?? 0
  }

  /** A sync has failed: what it was to cover must be stored again, with the next groups or without. */
  get isBroken(): boolean {
    return this.#file?.isBroken === true || this.#again.length > 0
  }

  /** For how long a sync has been under way, ms. */
  get syncingMs(): number {
    return this.#syncingSince === undefined ? 0 : this.#clock.elapsed() - this.#syncingSince
  }

  /** Whether groups can be written in this very turn: there is a file, and nobody is writing to it. */
  get isIdle(): boolean {
    const file = this.#file
    return file !== undefined && !this.#isWriting && !file.isBroken && !isFull(file)
  }

  /** Writes groups in this very turn, while it is idle; answers those that have to be stored. */
  writeNow(groups: readonly Group[]): Group[] {
    const file = this.#file
    for (const [index, group] of groups.entries()) {
      try {
        if (file === undefined) return groups.slice(index)
        file.writeNow(group)
        this.#segments.grew(group.bytes.length)
      } catch {
        return groups.slice(index)
      }
    }
    if (this.#fsync === 'off') file?.settleWritten()
    return []
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

  /** What is in the current file is written to another one. */
  giveUp(): void {
    this.#file?.giveUp()
  }

  /** True when somebody has removed the current file: it counts as broken then. */
  async wasRemoved(): Promise<boolean> {
    return (await this.#file?.wasRemoved()) ?? false
  }

  /** In a segment, or after a failure in another one; a second failure is the disk's. */
  async store(groups: readonly Group[]): Promise<Stored> {
    let left = groups
    let written = 0
    for (let failures = 0; ;) {
      try {
        if (this.#file?.isBroken) this.#again.push(...(await this.#abandon()))
        left = [...this.#again.splice(0), ...left]
        await this.#write(left)
        written += left.length
        left = []
        if (this.#again.length === 0) return { written, lost: [], code: '' }
      } catch (error) {
        failures += 1
        const again = await this.#abandon()
        const unwritten = left.filter((one) => one.segment === undefined && !again.includes(one))
        left = [...again, ...unwritten]
        if (failures === 2) return { written: 0, lost: left, code: codeOf(error) }
      }
    }
  }

  /** Brings to the disk what has been written, as far as the policy goes. False: see `isBroken`. */
  async sync(): Promise<boolean> {
    const file = this.#file
    try {
      await this.#sealing
      if (this.#fsync === 'off') file?.settleWritten()
      else if (file !== undefined) await this.#sync(file)
      return this.#again.length === 0
    } catch {
      return false
    }
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await this.#sealing
    if (file !== undefined) await this.#seal(file)
  }

  async #write(groups: readonly Group[]): Promise<void> {
    if (this.#wantsNew || (this.#file !== undefined && isFull(this.#file))) await this.#renew()
    this.#isWriting = groups.length > 0
    try {
      for (const run of runsOf(groups)) {
        const file = (this.#file ??= await this.#create())
        this.#segments.grew(await file.write(run))
        if (isFull(file)) await this.#renew()
      }
    } finally {
      this.#isWriting = false
    }
    if (this.#fsync === 'strict') {
      await this.#sealing
      if (this.#file !== undefined) await this.#sync(this.#file)
    }
    if (this.#fsync === 'off') this.#file?.settleWritten()
    // The next frame finds a file.
    this.#file ??= await this.#create()
  }

  async #sync(file: SegmentFile): Promise<void> {
    this.#syncingSince ??= this.#clock.elapsed()
    try {
      await file.sync()
    } finally {
      this.#syncingSince = undefined
    }
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
    this.#file = undefined
    return file === undefined ? [] : giveUp(file, this.#segments)
  }

  /** Puts a new file in the place of the current one, which is written to until then. */
  async #renew(): Promise<void> {
    this.#wantsNew = false
    const next = await this.#create().catch(() => undefined)
    const old = this.#file
    // A disk that gives no new file may take more in the old one.
    if (next === undefined && old?.segment.isDone === false && old.segment.size < mostBytes) return
    this.#file = next
    if (old === undefined) return
    // One at a time beside the writing: until it is on the disk, what is in it stays in memory too.
    await this.#sealing
    this.#sealing = this.#seal(old).then(this.#onSealed)
  }

  /** Nothing more is written to it. */
  async #seal(file: SegmentFile): Promise<void> {
    try {
      if (this.#fsync === 'off') file.settleWritten()
      else if (!file.segment.isDone) await file.sync()
      await this.#segments.keepOrClose(file.segment, await file.end())
    } catch {
      this.#again.push(...(await giveUp(file, this.#segments)))
      return
    }
    file.segment.isSealed = true
    this.#segments.dropIfDone(file.segment)
  }
}

function isFull({ segment }: SegmentFile): boolean {
  return segment.size >= segmentBytes
}

/** Nothing in the file can be relied on that was not synced: answers what has to be written again. */
async function giveUp(file: SegmentFile, segments: Segments): Promise<Group[]> {
  const again = await file.abandon()
  await segments.keepOrClose(file.segment, await file.end()).catch(() => undefined)
  file.segment.isSealed = true
  segments.dropIfDone(file.segment)
  return again.filter((group) => group.live > 0 || group.spilled > 0)
}
