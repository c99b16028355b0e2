import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { version } from '../../src/version.js'
import { document } from './documents.js'

const root = new URL('../../', import.meta.url)

function foldersOf(path: string): string[] {
  const entries = readdirSync(new URL(path, root), { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

describe('the documents', () => {
  const manifest = JSON.parse(document('package.json')) as { version: string; license: string }

  it('speak of the version that package.json has', () => {
    assert.equal(version, manifest.version)
    assert.ok(document('CHANGELOG.md').includes(`## [${manifest.version}]`))
  })

  it('carry the license that package.json names', () => {
    assert.ok(document('LICENSE').startsWith(`${manifest.license} License`))
  })

  it('know every room', () => {
    const architecture = document('ARCHITECTURE.md')
    for (const room of foldersOf('src/')) assert.ok(architecture.includes(`  ${room}/ `), room)
    const named = [...architecture.matchAll(/^ {2}(\w+)\/ /gm)].map(([, room = '']) => room)
    assert.deepEqual(named.toSorted(), foldersOf('src/').toSorted())
  })

  it('link to files and headings that exist', () => {
    for (const name of ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md']) {
      const text = document(name)
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
        if (target.startsWith('https://')) continue
        if (target.startsWith('#')) assert.ok(anchorsOf(text).includes(target), target)
        else assert.ok(statSync(new URL(target, root)).isFile(), target)
      }
    }
  })

  it('name source files that exist', () => {
    const text = document('ARCHITECTURE.md')
    for (const [, path = ''] of text.matchAll(/`((?:[\w-]+\/)+[\w-]+\.ts)`/g)) {
      const inSrc = /^(?:src|middleware|routes|models|scripts|test)\//.test(path)
      assert.ok(statSync(new URL(inSrc ? path : `src/${path}`, root)).isFile(), path)
    }
  })
})

function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(
    ([, heading = '']) =>
      `#${heading
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-')}`,
  )
}
