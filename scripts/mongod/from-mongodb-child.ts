import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DryMongoBinary, MongoBinary } from 'mongodb-memory-server'
import { reasonOf } from './error.js'

const [downloadDir = '', version = ''] = process.argv.slice(2)

try {
  const path = await MongoBinary.download({
    ...(await DryMongoBinary.generateOptions({ version })),
    downloadDir,
    platform: process.platform,
    checkMD5: true,
  })
  await writeFile(join(downloadDir, 'path'), path)
} catch (error) {
  process.stderr.write(`${reasonOf(error)}\n`)
  process.exitCode = 1
}
