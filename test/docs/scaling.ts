import { codeBlocks, document } from './documents.js'

/** What docs/scaling.md has typed into mongosh to spread a database over shards. */
export function shardCommands(
  database: string,
): { collection: string; key: Record<string, 1 | 'hashed'> }[] {
  const typed = codeBlocks(document('docs/scaling.md'))
    .filter(({ language }) => language === 'js')
    .map(({ code }) => code)
    .join('\n')
  const pattern = new RegExp(
    String.raw`sh\.shardCollection\(["']${database}\.(\w+)["'], (\{.*?\})\)`,
    'g',
  )
  return [...typed.matchAll(pattern)].map(([, collection = '', fields = '']) => {
    const json = fields.replace(/(\w+):/g, '"$1":').replaceAll("'", '"')
    return { collection, key: JSON.parse(json) as Record<string, 1 | 'hashed'> }
  })
}
