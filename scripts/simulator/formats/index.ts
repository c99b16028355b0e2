import type { Invoice } from '../billing.js'
import type { Format } from '../format.js'
import { anthropicMessages } from './anthropic-messages.js'
import { bedrockConverse, bedrockConverseStream } from './bedrock-converse.js'
import { bedrockInvoke, bedrockInvokeStream } from './bedrock-invoke.js'
import { cohereChat } from './cohere-chat.js'
import { deepseekChat } from './deepseek-chat.js'
import { geminiGenerate, geminiStream } from './gemini-generate.js'
import { groqChat } from './groq-chat.js'
import { mistralChat } from './mistral-chat.js'
import { ollamaEmbed } from './ollama-embed.js'
import { ollamaChat, ollamaGenerate } from './ollama-generate.js'
import { xaiChat } from './xai-chat.js'
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
    ...openaiResponses(),
    openaiEmbeddings,
    openaiModels,
    anthropicMessages,
    openrouterChat,
    openrouterGeneration(invoice),
    bedrockConverse,
    bedrockConverseStream,
    bedrockInvoke,
    bedrockInvokeStream,
    cohereChat,
    deepseekChat,
    geminiGenerate,
    geminiStream,
    groqChat,
    mistralChat,
    ollamaEmbed,
    ollamaChat,
    ollamaGenerate,
    xaiChat,
  ]
}
