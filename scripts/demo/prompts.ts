import type { Conversation } from './input.js'

const SUMMARIZE = 'Summarize the text of the user in at most five sentences.'
const ANSWER = 'Answer the question of the user in a few sentences.'
const ANSWER_FROM_CONTEXT =
  'Answer the question of the user from the context alone. Say so when the context does not tell.'
const MINDMAP =
  'Write a mind map of the topic as an indented outline: one idea a line, each line starts with "- ", two spaces of indentation per level, the topic itself as the first line, at most three levels. Write nothing else.'

export function summarizePrompt({ text }: { text: string }): Conversation {
  return instructed(SUMMARIZE, text)
}

export function questionPrompt(asked: {
  question: string
  context?: string | undefined
}): Conversation {
  const { context, question } = asked
  if (!context) return instructed(ANSWER, question)
  return instructed(ANSWER_FROM_CONTEXT, `Context:\n${context}\n\nQuestion: ${question}`)
}

export function mindmapPrompt({ topic }: { topic: string }): Conversation {
  return instructed(MINDMAP, topic)
}

function instructed(instruction: string, content: string): Conversation {
  return {
    turns: [
      { role: 'system', content: instruction },
      { role: 'user', content },
    ],
  }
}
