import type { Invoice } from '../billing.js'
import type { Format } from '../format.js'
import { anthropicMessages } from './anthropic-messages.js'
import { openaiChat } from './openai-chat.js'
import { openaiEmbeddings } from './openai-embeddings.js'
import { openaiModels } from './openai-models.js'
import { openaiResponses } from './openai-responses.js'
import { openrouterChat } from './openrouter-chat.js'
import { openrouterGeneration } from './openrouter-generation.js'

/** Every endpoint the simulator speaks; a new provider is a new file and a line here. */
export function formats(invoice: Invoice): readonly Format[] {
  return [
    openaiChat,
    openaiResponses,
    openaiEmbeddings,
    openaiModels,
    anthropicMessages,
    openrouterChat,
    openrouterGeneration(invoice),
  ]
}
