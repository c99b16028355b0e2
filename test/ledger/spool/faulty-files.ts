import type { FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { realFiles, type SpoolFiles } from '../../../src/ledger/spool/files.js'

type Fault = (path: string) => string | undefined

/** A file system whose calls fail with the code that a fault answers. */
export class FaultyFiles {
  open: Fault = () => undefined
  mkdir: Fault = () => undefined
  write: Fault = () => undefined
  sync: Fault = () => undefined
  read: Fault = () => undefined
  /** Of a write that fails, so many bytes are written. */
  partial = 0
  /** How long a write beside the event loop, or a sync, takes before it begins, ms. */
  writeTakesMs = 0
  syncTakesMs = 0
  readonly #paths = new WeakMap<FileHandle, string>()
  readonly files: SpoolFiles = {
    ...realFiles,
    writeNow: (handle, bytes, from, length, position) => {
      const code = this.write(this.#paths.get(handle) ?? '')
      if (code === undefined) return realFiles.writeNow(handle, bytes, from, length, position)
      if (this.partial > 0) realFiles.writeNow(handle, bytes, from, this.partial, position)
      throw errorOf(code)
    },
    open: (async (path: string, flags: string, mode?: number) => {
      fail(this.open(path))
      return this.#wrap(path, await realFiles.open(path, flags, mode))
    }) as SpoolFiles['open'],
    mkdir: ((path: string, options: object) => {
      const code = this.mkdir(path)
      return code === undefined ? realFiles.mkdir(path, options) : Promise.reject(errorOf(code))
    }) as SpoolFiles['mkdir'],
  }

  #wrap(path: string, handle: FileHandle): FileHandle {
    const write = async (bytes: Buffer, from: number, length: number, position: number) => {
      const code = this.write(path)
      if (this.writeTakesMs > 0) await sleep(this.writeTakesMs)
      if (code === undefined) return handle.write(bytes, from, length, position)
      if (this.partial > 0) await handle.write(bytes, from, this.partial, position)
      throw errorOf(code)
    }
    const faults: Record<string, unknown> = {
      write,
      datasync: async () => {
        fail(this.sync(path))
        if (this.syncTakesMs > 0) await sleep(this.syncTakesMs)
        await handle.datasync()
      },
      read: (...args: Parameters<FileHandle['read']>) => {
        const code = this.read(path)
        return code === undefined ? handle.read(...args) : Promise.reject(errorOf(code))
      },
    }
    const wrapped = new Proxy(handle, {
      get: (target, key) => {
        const own = faults[String(key)]
        if (own !== undefined) return own
        const value: unknown = Reflect.get(target, key)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    this.#paths.set(wrapped, path)
    return wrapped
  }
}

function fail(code: string | undefined): void {
  if (code !== undefined) throw errorOf(code)
}

function errorOf(code: string): Error {
  return Object.assign(new Error(code), { code })
}
