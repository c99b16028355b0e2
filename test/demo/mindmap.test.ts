import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseOutline, type MindmapNode } from '../../scripts/demo/mindmap.js'

function leaf(topic: string): MindmapNode {
  return { topic, children: [] }
}

describe('the tree of an outline', () => {
  it('follows the indentation of bullets', () => {
    const outline = '- Lisbon\n  - Food\n    - Pastel de nata\n  - Sights\n'
    assert.deepEqual(parseOutline(outline, 'x'), {
      topic: 'Lisbon',
      children: [{ topic: 'Food', children: [leaf('Pastel de nata')] }, leaf('Sights')],
    })
  })

  it('hangs several top lines under the topic', () => {
    assert.deepEqual(parseOutline('Food\nSights', 'Lisbon'), {
      topic: 'Lisbon',
      children: [leaf('Food'), leaf('Sights')],
    })
  })

  it('reads headings, numbers, tabs, stars and blank lines', () => {
    const outline = '# Lisbon\r\n\r\n## Food\n1. Fish\n2) Bread\n\t* Broa\n## Sights\n'
    assert.deepEqual(parseOutline(outline, 'x'), {
      topic: 'Lisbon',
      children: [
        { topic: 'Food', children: [leaf('Fish'), { topic: 'Bread', children: [leaf('Broa')] }] },
        leaf('Sights'),
      ],
    })
  })

  it('is the topic alone for an empty reply', () => {
    assert.deepEqual(parseOutline('', 'Lisbon'), leaf('Lisbon'))
    assert.deepEqual(parseOutline(' \n- \n', 'Lisbon'), leaf('Lisbon'))
  })

  it('keeps every line of any text once', () => {
    const line = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.stringMatching(/^[a-z]{1,8}$/))
    fc.assert(
      fc.property(fc.array(line, { maxLength: 50 }), (lines) => {
        const outline = lines.map(([indent, text]) => `${' '.repeat(indent)}- ${text}`).join('\n')
        const topics = allTopics(parseOutline(outline, 'ROOT')).filter((topic) => topic !== 'ROOT')
        assert.deepEqual(
          topics,
          lines.map(([, text]) => text),
        )
      }),
    )
  })

  it('reads a hostile reply in no time', () => {
    const startedMs = performance.now()
    parseOutline(' '.repeat(200_000), 'x')
    parseOutline(
      Array.from({ length: 2000 }, (_, depth) => `${' '.repeat(depth)}-`).join('\n'),
      'x',
    )
    parseOutline(`#${' '.repeat(100_000)}`, 'x')
    assert.ok(performance.now() - startedMs < 1000)
  })
})

function allTopics({ topic, children }: MindmapNode): string[] {
  return [topic, ...children.flatMap(allTopics)]
}
