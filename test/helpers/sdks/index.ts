import { aiSdks } from './ai.js'
import { anthropicSdk } from './anthropic.js'
import { bedrockSdks } from './bedrock.js'
import { cohereSdk } from './cohere.js'
import { googleSdk } from './google.js'
import { groqSdk } from './groq.js'
import { mistralSdk } from './mistral.js'
import { ollamaSdks } from './ollama.js'
import { openaiSdks } from './openai.js'
import { openrouterSdk } from './openrouter.js'
import type { Sdk } from './sdk.js'

export { askIn } from './sdk.js'
export type { Ask, Client, Sdk, Told, Way } from './sdk.js'

/** Every SDK that the proofs run, each against the provider it bills. */
export const SDKS: readonly Sdk[] = [
  ...openaiSdks,
  anthropicSdk,
  googleSdk,
  ...aiSdks,
  openrouterSdk,
  ...ollamaSdks,
  cohereSdk,
  mistralSdk,
  groqSdk,
  ...bedrockSdks,
]
