import type { Context } from 'mocha'
import { stopTestMongo } from './mongo.js'

/** Lets mocha end by itself: what tests have started in common is stopped. */
export const mochaHooks = {
  async afterAll(this: Context): Promise<void> {
    this.timeout(30_000)
    await stopTestMongo()
  },
}
