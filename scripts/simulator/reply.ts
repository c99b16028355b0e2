import { seededRandom } from './random.js'

const OPENINGS = [
  'Here is a short answer about {a}.',
  'Let me take {a} step by step.',
  'In brief, {a} comes down to a few points.',
  'Good question: {a} is worth a closer look.',
]

const BODIES = [
  'The first thing to know about {a} is how it depends on {b}.',
  'Most people meet {b} long before they think about {a}.',
  'A practical way to begin is to write down what {a} should do, and then to measure {b}.',
  'There are two common mistakes here: to treat {a} as a detail, and to forget {b} altogether.',
  'When {b} changes, {a} usually follows within a day or two.',
  'A small example helps: start with {b}, keep it simple, and add {a} once the basics hold.',
  'Costs stay low as long as {a} and {b} are planned together.',
  'If in doubt, compare {a} with something you already trust.',
]

const ENDINGS = [
  'That should be enough to get started with {a}.',
  'In short: look after {b}, and {a} will look after itself.',
  'Tell me more about your case, and I can say more about {a}.',
]

const BRANCHES = ['Origins', 'Main ideas', 'Everyday use', 'Costs', 'Open questions', 'Next steps']
const LEAVES = ['What {a} means', 'Who needs it', 'How {b} fits in', 'First example', 'Limits']

const TOPIC_SCAN_CHARACTERS = 2000

const NO_TOPICS = new Set(
  `about answer could does explain from give have here into long make more need please question short
  should some summarize tell text than that their them there these they this want what when where
  which will with would write your`.split(/\s+/),
)

/**
 * Plausible prose about `question`, the same for the same seed; an indented outline when
 * `instructions` ask for one.
 */
export function composeReply(question: string, instructions: string, seed: number): string {
  const random = seededRandom(seed)
  const topics = topicsOf(question)
  const fill = (template: string): string => {
    const a = pick(topics, random)
    const b = pick(
      topics.filter((topic) => topic !== a),
      random,
    )
    return template.replaceAll('{a}', a).replaceAll('{b}', b)
  }
  if (/\boutline\b/i.test(instructions)) return outline(topics, fill, random)
  const bodies = shuffled(BODIES, random).slice(0, 2 + Math.floor(random() * 5))
  return [pick(OPENINGS, random), ...bodies, pick(ENDINGS, random)].map(fill).join(' ')
}

function outline(
  topics: readonly string[],
  fill: (template: string) => string,
  random: () => number,
): string {
  const branches = shuffled(BRANCHES, random).slice(0, 3 + Math.floor(random() * 3))
  const lines = branches.flatMap((branch) => {
    const leaves = shuffled(LEAVES, random).slice(0, 2 + Math.floor(random() * 2))
    return [`  - ${branch}`, ...leaves.map((leaf) => `    - ${fill(leaf)}`)]
  })
  return [`- ${topics.join(' and ')}`, ...lines].join('\n')
}

/** Up to three of the longest words of the question that could be a topic. */
function topicsOf(question: string): string[] {
  const words = question.slice(0, TOPIC_SCAN_CHARACTERS).match(/\p{L}{4,20}/gu) ?? []
  const topics = new Set(words.filter((word) => !NO_TOPICS.has(word.toLowerCase())))
  const longest = [...topics].sort((a, b) => b.length - a.length).slice(0, 3)
  return longest.length > 1 ? longest : [...longest, 'the question', 'the details'].slice(0, 2)
}

function pick(choices: readonly string[], random: () => number): string {
  return choices[Math.floor(random() * choices.length)] ?? 'this'
}

function shuffled(items: readonly string[], random: () => number): string[] {
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
}
