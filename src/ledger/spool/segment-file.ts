import type { FileHandle } from 'node:fs/promises'
import { fileMode, syncDirectory, type SpoolFiles } from './files.js'
import type { Group } from './group.js'
import type { Segment } from './segment.js'

/** The segment that is being written: its file, and what of it is not known to be on the disk. */
export class SegmentFile {
  readonly segment: Segment
  readonly #files: SpoolFiles
  readonly #handle: FileHandle
  #unsynced: Group[] = []
  #unsyncedBytes = 0
  #syncing: Promise<void> | undefined
  #broken = false

  private constructor(files: SpoolFiles, segment: Segment, handle: FileHandle) {
    this.#files = files
    this.segment = segment
    this.#handle = handle
  }

  /** Creates the file; with `lasting`, its name outlasts a power cut. Never reuses one. */
  static async create(files: SpoolFiles, segment: Segment, directory: string, lasting: boolean) {
    const handle = await files.open(segment.path, 'wx+', fileMode)
    try {
      if (lasting) await syncDirectory(files, directory)
    } catch (error) {
      await handle.close().catch(() => undefined)
      throw error
    }
    segment.handle = handle
    return new SegmentFile(files, segment, handle)
  }

  get unsyncedBytes(): number {
    return this.#unsyncedBytes
  }

  /** A write or a sync has failed: nothing more may be written here. */
  get isBroken(): boolean {
    return this.#broken
  }

  /**
   * Writes groups that follow each other at the end; answers how many bytes they are. What a failed
   * write leaves behind is damage, and read as such.
   */
  async write(groups: readonly Group[]): Promise<number> {
    const [first] = groups
    const bytes = first?.slab.bytes.subarray(first.from, groups.at(-1)?.to) ?? Buffer.alloc(0)
    const position = this.segment.size
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await this.#write(bytes.subarray(at), position + at)
      at += bytesWritten
    }
    for (const group of groups) this.#placed(group)
    return bytes.length
  }

  /** The same in this very turn. Only while nothing else is being written. */
  writeNow(group: Group): void {
    const { bytes } = group
    const position = this.segment.size
    try {
      for (let at = 0; at < bytes.length;) {
        const length = bytes.length - at
        at += this.#files.writeNow(this.#handle, bytes, at, length, position + at)
      }
    } catch (error) {
      this.#broken = true
      throw error
    }
    this.#placed(group)
  }

  #placed(group: Group): void {
    this.segment.place(group)
    this.#unsynced.push(group)
    this.#unsyncedBytes += group.bytes.length
  }

  async #write(bytes: Buffer, position: number): Promise<{ bytesWritten: number }> {
    try {
      return await this.#handle.write(bytes, 0, bytes.length, position)
    } catch (error) {
      this.#broken = true
      throw error
    }
  }

  /** Brings to the disk what has been written; a failure is final (the kernel forgets what failed). */
  async sync(): Promise<void> {
    while (this.#syncing !== undefined) await this.#syncing
    if (this.#broken || this.#unsynced.length === 0) return
    const groups = this.#unsynced
    this.#unsynced = []
    this.#unsyncedBytes = 0
    const syncing = this.#sync(groups)
    this.#syncing = syncing.then(
      () => undefined,
      () => undefined,
    )
    try {
      await syncing
    } finally {
      this.#syncing = undefined
    }
  }

  async #sync(groups: Group[]): Promise<void> {
    try {
      await this.#handle.datasync()
    } catch (error) {
      this.#broken = true
      this.#unsynced = [...groups, ...this.#unsynced]
      throw error
    }
    for (const group of groups) this.#settle(group)
  }

  #settle(group: Group): void {
    this.segment.settle(group)
    group.free()
  }

  /** Without asking the disk: what has been written is taken for there. */
  settleWritten(): void {
    for (const group of this.#unsynced) this.#settle(group)
    this.#unsynced = []
    this.#unsyncedBytes = 0
  }

  /** Ends it, and answers what may not be on the disk and has to be written again elsewhere. */
  async abandon(): Promise<Group[]> {
    this.#broken = true
    while (this.#syncing !== undefined) await this.#syncing
    const groups = this.#unsynced
    this.#unsynced = []
    for (const group of groups) this.segment.displace(group)
    return groups
  }

  /** Nothing more is written: its handle is somebody else's from here on. */
  async end(): Promise<FileHandle> {
    while (this.#syncing !== undefined) await this.#syncing
    return this.#handle
  }

  /** It is somebody else's now. */
  giveUp(): void {
    this.#broken = true
  }

  /** True when somebody has removed it: nothing that is written from here on would be found. */
  async wasRemoved(): Promise<boolean> {
    const { nlink } = await this.#handle.stat().catch(() => ({ nlink: 1 }))
    if (nlink > 0) return false
    this.#broken = true
    this.segment.isLost = true
    return true
  }
}
