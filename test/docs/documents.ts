import { readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)

/** A file of the project as text. */
export function document(name: string): string {
  return readFileSync(new URL(name, root), 'utf8')
}

interface Block {
  readonly language: string
  readonly code: string
}

/** The fenced code blocks of a Markdown text, in order. */
export function codeBlocks(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
    language,
    code,
  }))
}

/** The rows of the table whose first header cell is `header`, cells without surrounding spaces. */
export function table(markdown: string, header: string): string[][] {
  const lines = markdown.split('\n')
  const start = lines.findIndex((line) => cells(line)[0] === header)
  if (start === -1) throw new Error(`There is no table of '${header}'`)
  const rows = lines.slice(start + 2)
  const end = rows.findIndex((line) => !line.startsWith('|'))
  return rows.slice(0, end === -1 ? rows.length : end).map(cells)
}

function cells(line: string): string[] {
  if (!line.startsWith('|')) return []
  return line
    .slice(1)
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())
}

/** What stands between the first backticks of a cell. */
export function code(cell: string | undefined): string {
  return /`([^`]+)`/.exec(cell ?? '')?.[1] ?? ''
}
