import { join } from 'node:path'
import type { Clock } from '../../clock.js'
import { layout, type WriterDirectory } from './directory.js'
import { codeOf, type SpoolFiles } from './files.js'
import { isDead, parseOwner, type Owner } from './owner.js'

/** A draft that is so old will not become a directory any more, ms. */
const draftMs = 10 * 60_000

/** Finds directories of dead processes and takes them, each by one rename: only one can succeed. */
export class Takeover {
  readonly #files: SpoolFiles
  readonly #clock: Clock
  readonly #mine: WriterDirectory
  /** Signs of life of the others, and since when there has been none newer. */
  readonly #signs = new Map<string, { at: number; seen: number }>()

  constructor(files: SpoolFiles, clock: Clock, mine: WriterDirectory) {
    this.#files = files
    this.#clock = clock
    this.#mine = mine
  }

  /** Takes what the dead left for this database: directories that are within our own now. */
  async *scan(database: string): AsyncGenerator<string, void> {
    const me = this.#mine.owner
    if (me === undefined) return
    const all = await this.#files.readdir(this.#mine.root)
    await this.#removeDrafts(all)
    const names = all.filter(
      (name) => name.startsWith(layout.writerPrefix) && name !== this.#mine.name,
    )
    for (const known of this.#signs.keys()) if (!names.includes(known)) this.#signs.delete(known)
    for (const name of names) {
      if (await this.#isFree(name, me, database)) yield* this.#take(name)
    }
  }

  /** Those of processes that died in the middle of making one. */
  async #removeDrafts(names: readonly string[]): Promise<void> {
    for (const name of names) {
      if (!name.startsWith(layout.draftPrefix + layout.writerPrefix)) continue
      const path = join(this.#mine.root, name)
      const stats = await this.#files.stat(path).catch(() => undefined)
      if (stats === undefined || this.#clock.now() - stats.mtimeMs < draftMs) continue
      await this.#files.rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
  }

  async #isFree(name: string, me: Owner, database: string): Promise<boolean> {
    const path = join(this.#mine.root, name, layout.owner)
    try {
      const text = await this.#files.readFile(path, 'utf8').catch(() => '')
      const owner = parseOwner(text)
      if (owner?.database !== undefined && owner.database !== database) return false
      return await isDead(this.#files, owner, me, await this.#signsOf(name, path))
    } catch {
      return false
    }
  }

  async #signsOf(name: string, ownerPath: string) {
    const stats = await this.#files
      .stat(ownerPath)
      .catch(() => this.#files.stat(join(this.#mine.root, name)))
    const elapsed = this.#clock.elapsed()
    const known = this.#signs.get(name)
    const sign = known?.at === stats.mtimeMs ? known : { at: stats.mtimeMs, seen: elapsed }
    this.#signs.set(name, sign)
    return { silentMs: elapsed - sign.seen, ageMs: this.#clock.now() - stats.mtimeMs }
  }

  async *#take(name: string): AsyncGenerator<string, void> {
    const to = join(this.#mine.path, layout.adopted, name)
    try {
      await this.#files.rename(join(this.#mine.root, name), to)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      throw error
    }
    yield* this.#flatten(to)
    yield to
  }

  /** What the dead had taken itself stands beside it then. */
  async *#flatten(taken: string): AsyncGenerator<string, void> {
    const inner = join(taken, layout.adopted)
    for (const name of await this.#files.readdir(inner).catch(() => [])) {
      const to = join(this.#mine.path, layout.adopted, name)
      await this.#files.rename(join(inner, name), to)
      yield* this.#flatten(to)
      yield to
    }
  }
}
