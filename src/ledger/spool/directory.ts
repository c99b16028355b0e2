import { randomBytes } from 'node:crypto'
import { basename, join } from 'node:path'
import {
  codeOf,
  directoryMode,
  fileMode,
  makeDirectories,
  replaceFile,
  type SpoolFiles,
} from './files.js'
import { thisProcess, type Owner } from './owner.js'
import { freeReserves, isFull, withReserve, writeOver } from './reserve.js'
import { segmentSuffix } from './segments.js'

/** What a spool directory holds. */
export const layout = {
  /** A directory per process that writes. */
  writerPrefix: 'w-',
  /** Before the name of one that is not complete yet: it never holds events. */
  draftPrefix: '.',
  /** Directories of dead processes, within that of the one which took them. */
  adopted: 'adopted',
  owner: 'owner.json',
  /** Events that MongoDB refuses for good, a file per process, one JSON line each. */
  deadLetters: 'dead-letters',
  /** Bytes that were no frames. */
  quarantine: 'quarantine',
} as const

/** The directory in which this process writes, and nobody else. */
export class WriterDirectory {
  readonly root: string
  readonly path: string
  readonly #files: SpoolFiles
  #owner: Owner | undefined
  #isOurs = false

  constructor(files: SpoolFiles, root: string) {
    this.#files = files
    this.root = root
    const id = `${process.pid}-${randomBytes(6).toString('hex')}`
    this.path = join(root, layout.writerPrefix + id)
  }

  get name(): string {
    return basename(this.path)
  }

  get owner(): Owner | undefined {
    return this.#owner
  }

  /**
   * Creates it, complete with its owner before others can see it. `isOurs` demands that the root
   * belongs to this user, as it must where everybody may create names.
   */
  async open(isOurs: boolean): Promise<void> {
    const files = this.#files
    this.#isOurs = isOurs
    await makeDirectories(files, this.root)
    const root = await files.lstat(this.root)
    if (isOurs && (!root.isDirectory() || root.uid !== (process.getuid?.() ?? root.uid))) {
      throw new Error('not_ours')
    }
    const database = this.#owner?.database
    const owner = { ...(await thisProcess(files)), ...(database !== undefined && { database }) }
    const text = JSON.stringify(owner)
    try {
      await this.#create(withReserve(text))
    } catch (error) {
      if (!isFull(error)) throw error
      await this.#freeReserves()
      await this.#create(text)
    }
    this.#owner = owner
  }

  async #create(owner: string): Promise<void> {
    const files = this.#files
    const draft = join(this.root, layout.draftPrefix + this.name)
    try {
      await files.mkdir(draft, { mode: directoryMode })
      await files.mkdir(join(draft, layout.adopted), { mode: directoryMode })
      await files.writeFile(join(draft, layout.owner), owner, { mode: fileMode, flush: true })
      // One of ours that has come back (a volume was away) makes way: what is in it, we know.
      await this.#releaseOld()
      await files.rename(draft, this.path)
    } catch (error) {
      await files.rm(draft, { recursive: true, force: true }).catch(() => undefined)
      throw error
    }
  }

  /** Leaves a directory that stands in our place to whoever comes, under another name. */
  async #releaseOld(): Promise<void> {
    const files = this.#files
    const known = await files.stat(this.path).catch(() => undefined)
    if (known === undefined) return
    const aside = `${this.path}-${randomBytes(3).toString('hex')}`
    await files.rename(this.path, aside)
    const owner = { ...(await thisProcess(files)), ...this.#owner, isReleased: true }
    await replaceFile(files, join(aside, layout.owner), JSON.stringify(owner))
  }

  async #freeReserves(): Promise<void> {
    const names = await this.#files.readdir(this.root)
    const others = names.filter((name) => name.startsWith(layout.writerPrefix))
    const owners = others.map((name) => join(name, layout.owner))
    await freeReserves(this.#files, this.root, owners)
  }

  /** Creates it once more, where somebody has taken it. */
  async reopen(): Promise<void> {
    await this.open(this.#isOurs)
  }

  /** Whether another process holds it, as a dead one's. */
  async isAdopted(): Promise<boolean> {
    const names = await this.#files.readdir(this.root).catch(() => [])
    const places = names.map((name) => join(this.root, name, layout.adopted, this.name))
    const found = places.map((place) =>
      this.#files.stat(place).then(
        () => true,
        () => false,
      ),
    )
    return (await Promise.all(found)).includes(true)
  }

  /** Directories of dead processes that are within it. */
  async adopted(): Promise<string[]> {
    const inner = join(this.path, layout.adopted)
    const names = await this.#files.readdir(inner).catch(() => [])
    return names.map((name) => join(inner, name))
  }

  /** Says which database the events are for. */
  async setDatabase(database: string): Promise<void> {
    await this.#write({ database })
  }

  /** A sign of life. False: somebody has taken the directory for a dead one's. */
  async beat(now: number): Promise<boolean> {
    try {
      await this.#files.utimes(join(this.path, layout.owner), now / 1000, now / 1000)
      return true
    } catch (error) {
      return codeOf(error) !== 'ENOENT'
    }
  }

  /** Leaves what is in it to whoever comes. */
  async release(): Promise<void> {
    await this.#write({ isReleased: true })
  }

  /** Removes it; false if something is in it that is not for us to remove. */
  async remove(): Promise<boolean> {
    const files = this.#files
    const names = await files.readdir(this.path)
    if (names.some((name) => name.endsWith(segmentSuffix))) return false
    try {
      // Not all at once: what a take-over brings in meanwhile keeps both from going.
      await files.rmdir(join(this.path, layout.adopted))
      for (const name of names) {
        if (name.startsWith(layout.owner)) await files.unlink(join(this.path, name))
      }
      await files.rmdir(this.path)
      return true
    } catch {
      return false
    }
  }

  async #write(more: Partial<Owner>): Promise<void> {
    if (this.#owner === undefined) return
    const owner = { ...this.#owner, ...more }
    const path = join(this.path, layout.owner)
    const text = JSON.stringify(owner)
    try {
      await replaceFile(this.#files, path, withReserve(text))
    } catch (error) {
      if (!isFull(error)) throw error
      await writeOver(this.#files, path, text)
    }
    this.#owner = owner
  }
}
