import { resolve } from 'node:path'
import type { Clock } from '../../clock.js'
import type { UnrecordedEvent } from '../../event.js'
import type { Logger } from '../../logger.js'
import { Episode } from '../episode.js'
import type { Epochs } from '../epochs.js'
import { Aside } from './aside.js'
import type { Batch } from './batch.js'
import { Beginnings } from './beginnings.js'
import { defaultSpoolDir } from './default-dir.js'
import { WriterDirectory } from './directory.js'
import { eventJson, type StartFacts } from './event-json.js'
import { realFiles, type SpoolFiles } from './files.js'
import { maxPayloadBytes } from './frame.js'
import type { Group, Range } from './group.js'
import { Inheritance } from './inheritance.js'
import { Log } from './log.js'
import { Opening } from './opening.js'
import { Overflow } from './overflow.js'
import { Quarantine } from './quarantine.js'
import { spilledIn } from './spilled.js'
import { durabilities, type Durability, type SpoolConfig } from './spool-options.js'
import type { Running } from './starts.js'
import { Upkeep } from './upkeep.js'

/** Frames that wait to be written, beyond which the disk counts as too slow, bytes. */
const maxGatheredBytes = 32 * 1024 * 1024

export interface SpoolOptions {
  readonly config: SpoolConfig
  readonly files?: SpoolFiles | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly epochs: Epochs
  /** Events that were on their way to the disk only, and cannot get there. */
  readonly onReturned: (event: UnrecordedEvent, epoch: number, at: number) => void
  /** The disk takes what it could not take before. */
  readonly onRecovered: () => void
  /** So many events were on disk only, and somebody has removed them. */
  readonly onGone: (count: number) => void
  /** There may be something to read back. */
  readonly onBacklog: () => void
}

/** The disk behind the ledger: what is accepted stands in files until MongoDB has it. */
export class Spool {
  /** What is refused for good, and what is damaged. */
  readonly aside: Aside
  readonly #options: SpoolOptions
  readonly #log: Log
  readonly #overflow: Overflow
  readonly #inheritance: Inheritance
  readonly #quarantine: Quarantine
  readonly #upkeep: Upkeep
  readonly #troubleEpisode: Episode
  readonly #beginnings: Beginnings
  readonly #opening: Opening
  /** Why nothing is put on disk at the moment. */
  #trouble: string | undefined = 'opening'

  constructor(options: SpoolOptions) {
    this.#options = options
    const { config, clock, logger, epochs, files = realFiles } = options
    const root = resolve(config.dir ?? defaultSpoolDir())
    const directory = new WriterDirectory(files, root)
    this.#quarantine = new Quarantine(files, directory.root)
    this.aside = new Aside(files, directory.root, directory.name, this.#quarantine)
    this.#log = new Log({
      files,
      clock,
      directory: directory.path,
      fsync: config.fsync,
      onRound: () => this.#beginnings.joinRound(),
      onLost: (groups, code) => this.#lost(groups, code),
      onWritten: () => this.#written(),
      onSettled: () => options.onBacklog(),
    })
    const hasRoom = () => this.#hasRoom(0)
    this.#beginnings = new Beginnings({ log: this.#log, clock, fsync: config.fsync, hasRoom })
    const { segments } = this.#log
    const { onGone } = options
    this.#overflow = new Overflow({ files, segments, epochs, onGone, quarantine: this.#quarantine })
    this.#inheritance = new Inheritance(files, this.#quarantine, () => clock.elapsed())
    this.#troubleEpisode = new Episode(clock, () =>
      logger.error(`usage: nothing is put on disk at the moment (${this.#trouble ?? ''})`),
    )
    this.#upkeep = new Upkeep({
      ...{ files, clock, logger, directory, log: this.#log, inheritance: this.#inheritance },
      onTaken: () => options.onBacklog(),
      onRemoved: () => options.onRecovered(),
      onFenced: (code) => this.#opening.failed(code),
    })
    this.#opening = new Opening({
      ...{ directory, isOurs: config.dir === undefined, logger },
      onOpen: (isLate) => this.#opened(isLate),
      onFailed: (code) => this.#failed(code),
    })
  }

  get durability(): Durability {
    if (this.#trouble !== undefined) return 'memory'
    return durabilities[this.#options.config.fsync]
  }

  /** Whether events must be refused that the disk does not take. */
  get isDemanded(): boolean {
    return this.#options.config.whenFull === 'refuse'
  }

  /** Events on disk only, those that dead processes have left included. */
  get depth(): number {
    return this.#overflow.depth + this.#inheritance.depth
  }

  /** Bytes on disk, of the dead too. */
  get bytes(): number {
    return this.#log.segments.bytes + this.#inheritance.bytes
  }

  /** Stretches of files that were damaged. */
  get damaged(): number {
    return this.#quarantine.stretches
  }

  /** How long the oldest event waits that is on disk only, ms. */
  get oldestMs(): number {
    const { clock } = this.#options
    const left = this.#inheritance.oldestAt
    return Math.max(
      0,
      clock.elapsed() - this.#overflow.oldestAt,
      left === undefined ? 0 : clock.now() - left,
    )
  }

  /** Puts an event on its way to the disk, with `spill` to be there only; undefined when it is not taken. */
  append(event: UnrecordedEvent, spill?: Pick<Range, 'epoch' | 'at'>): Group | undefined {
    const text = eventJson(event)
    if (text === undefined || text.length > maxPayloadBytes / 3) return undefined
    if (!this.#hasRoom(text.length)) return undefined
    const group = this.#log.gatherer.groupFor(text)
    if (spill === undefined) group.putLive(text)
    else {
      group.putSpilled(text, spill.epoch, spill.at)
      this.#overflow.added(1)
    }
    this.#log.scheduleNow()
    return group
  }

  /** An operation runs: `noteBegun` is to follow. */
  begin(id: string, facts: () => StartFacts): Running | undefined {
    return this.#beginnings.begin(id, facts)
  }

  /** Writes what has begun: at once, or, where the disk has to be waited for, soon. Never rejects. */
  noteBegun(): Promise<void> | undefined {
    return this.#beginnings.note()
  }

  /** Events to send that are on disk only. Throws when the disk does not give them. */
  async next(maxEvents: number): Promise<Batch | undefined> {
    return (await this.#overflow.next(maxEvents)) ?? (await this.#inheritance.next(maxEvents))
  }

  /** Resolves when it takes what comes, or cannot. */
  opened(): Promise<void> {
    return this.#opening.tried()
  }

  /** Resolves when all so far is written (`strict`: is on the disk), or cannot be. */
  written(): Promise<void> {
    return this.#log.written()
  }

  /** Brings what is only on disk to where it can be read back. */
  settled(): Promise<void> {
    return this.#log.settled()
  }

  /** Takes over, now and from time to time, what dead processes have left for the database. */
  async takeOver(identify: () => Promise<string>): Promise<void> {
    await this.#opening.tried()
    await this.#upkeep.takeOver(identify)
  }

  /** Writes what is left, and leaves it to whoever comes; leaves nothing if nothing is left. */
  async close(): Promise<void> {
    await this.#opening.stop()
    await this.#upkeep.stop()
    if (!this.#upkeep.isOpen) this.#log.segments.lose(true)
    await this.#log.close()
    await this.#upkeep.leave()
  }

  /** Once it is closed: gives up what nobody will find; answers how many events that were. */
  giveUp(): number {
    return this.#overflow.giveUp()
  }

  async #opened(isLate: boolean): Promise<void> {
    this.#trouble = undefined
    this.#beginnings.goOn()
    this.#upkeep.start()
    // What was written before may be somebody else's by now, or nobody's.
    if (isLate) await this.#log.check(true)
    await this.#log.open()
    if (!isLate) return
    this.#log.segments.lose()
    this.#options.onRecovered()
  }

  #failed(code: string): void {
    this.#trouble = code
    this.#beginnings.stop()
    this.#log.fail(code)
  }

  #hasRoom(bytes: number): boolean {
    const { gatherer, isUsable } = this.#log
    if (!isUsable) return false
    if (gatherer.bytes > maxGatheredBytes) return this.#refuse('the disk is too slow')
    const used = this.bytes + this.#upkeep.bytesOfOthers + gatherer.bytes
    if (used + bytes > this.#options.config.maxBytes) return this.#refuse('spool.maxBytes reached')
    return true
  }

  #refuse(why: string): false {
    this.#trouble = why
    this.#troubleEpisode.happened()
    return false
  }

  #written(): void {
    if (this.#trouble === undefined || !this.#hasRoom(0)) return
    this.#trouble = undefined
    this.#options.onRecovered()
  }

  /** Events of these groups that are nowhere else go back to the memory. */
  #lost(groups: readonly Group[], code: string): void {
    if (groups.length > 0) this.#refuse(code)
    for (const [event, { epoch, at }] of spilledIn(groups)) {
      this.#overflow.added(-1)
      this.#options.onReturned(event, epoch, at)
    }
  }
}
