import type { Context } from 'mocha'
import { shareTestMongo, stopTestMongo } from './mongo.js'

/** Lets mocha end by itself: what tests have started in common is stopped. */
export const mochaHooks = {
  async afterAll(this: Context): Promise<void> {
    this.timeout(30_000)
    await stopTestMongo()
  },
}

/** Where tests run in several processes, one server serves them all. */
export async function mochaGlobalSetup(): Promise<void> {
  if (process.argv.includes('--parallel')) await shareTestMongo()
}

export async function mochaGlobalTeardown(): Promise<void> {
  await stopTestMongo()
}
