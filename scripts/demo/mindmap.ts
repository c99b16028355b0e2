export interface MindmapNode {
  readonly topic: string
  readonly children: MindmapNode[]
}

const TAB = '    '
const BULLET = /^(\s*)(?:[-*+•]|\d+[.)])?\s*(.*)$/

/**
 * The tree of an indented outline (bullets, numbers or bare lines). The only top line is the root;
 * several top lines become children of a root named `topic`.
 */
export function parseOutline(outline: string, topic: string): MindmapNode {
  const root: MindmapNode = { topic, children: [] }
  const path = [{ depth: -1, node: root }]
  for (const line of outline.split(/\r?\n/)) {
    const { depth, text } = readLine(line)
    if (text === '') continue
    const node: MindmapNode = { topic: text, children: [] }
    while ((path.at(-1)?.depth ?? -1) >= depth) path.pop()
    path.at(-1)?.node.children.push(node)
    path.push({ depth, node })
  }
  const [only, ...more] = root.children
  return only && more.length === 0 ? only : root
}

/** Markdown headings count as levels above all bullets. */
function readLine(line: string): { depth: number; text: string } {
  const heading = /^(#{1,6})\s+(.*)$/.exec(line)
  if (heading) return { depth: (heading[1]?.length ?? 1) / 10, text: (heading[2] ?? '').trim() }
  const [, indent = '', text = ''] = BULLET.exec(line) ?? []
  return { depth: 1 + indent.replaceAll('\t', TAB).length, text: text.trim() }
}
