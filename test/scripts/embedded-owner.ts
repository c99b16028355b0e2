import { startEmbeddedMongod } from '../../scripts/mongod/embedded.js'

// Starts an embedded mongod in the directory of the first argument, prints its URI, and then lives
// on, or just returns where the second argument is `return`.
const [dataDir = '', then = 'live'] = process.argv.slice(2)
const { uri } = await startEmbeddedMongod({ dataDir, log: console })
process.stdout.write(`${uri}\n`)
if (then === 'live') setInterval(() => undefined, 1000)
