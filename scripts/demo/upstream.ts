import { startSimulator, type Simulator } from '../simulator/index.js'
import type { Upstream } from './provider.js'

export interface ChosenUpstream {
  readonly upstream: Upstream
  /** One line for people: which provider answers, and that a simulator is a simulator. */
  readonly description: string
  /** Running when no provider is configured. */
  readonly simulator?: Simulator
  /** Ends the simulator, if any. */
  close(): Promise<void>
}

type Environment = Readonly<Record<string, string | undefined>>

/** The header by which a client of the demo asks the simulator for a fault. */
const FAULT_HEADER = 'x-simulator-fault'

/**
 * The provider that the environment names, in this order: `OPENAI_API_KEY` (or `OPENAI_BASE_URL`
 * alone, for local servers without keys), `ANTHROPIC_API_KEY`, `OPENROUTER_API_KEY`; without any, a
 * simulator with realistic pacing is started. `<PROVIDER>_BASE_URL` and `<PROVIDER>_MODEL` override
 * the defaults. Empty variables count as absent.
 */
export async function chooseUpstream(env: Environment): Promise<ChosenUpstream> {
  const configured = configuredUpstream(env)
  if (configured) {
    const { baseUrl, kind, model } = configured
    const description = `AI provider: ${kind} at ${baseUrl}, model ${model}`
    return { upstream: configured, description, close: () => Promise.resolve() }
  }
  const simulator = await startSimulator({ pace: 'realistic' })
  return {
    upstream: {
      kind: 'openai',
      apiKey: 'simulator',
      baseUrl: simulator.baseUrls.openai,
      model: 'gpt-4o-mini',
      forwardHeaders: [FAULT_HEADER],
    },
    description:
      `AI provider: SIMULATOR at ${simulator.url} (no AI answers; replies are made up). ` +
      'Set OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENROUTER_API_KEY for a real one.',
    simulator,
    close: () => simulator.close(),
  }
}

function configuredUpstream(env: Environment): Upstream | undefined {
  const openaiKey = env['OPENAI_API_KEY'] || (env['OPENAI_BASE_URL'] && 'none')
  if (openaiKey) {
    return {
      kind: 'openai',
      apiKey: openaiKey,
      baseUrl: env['OPENAI_BASE_URL'] || 'https://api.openai.com/v1',
      model: env['OPENAI_MODEL'] || 'gpt-4o-mini',
    }
  }
  if (env['ANTHROPIC_API_KEY']) {
    return {
      kind: 'anthropic',
      apiKey: env['ANTHROPIC_API_KEY'],
      baseUrl: env['ANTHROPIC_BASE_URL'] || 'https://api.anthropic.com',
      model: env['ANTHROPIC_MODEL'] || 'claude-haiku-5-5',
    }
  }
  if (!env['OPENROUTER_API_KEY']) return undefined
  return {
    kind: 'openrouter',
    apiKey: env['OPENROUTER_API_KEY'],
    baseUrl: env['OPENROUTER_BASE_URL'] || 'https://openrouter.ai/api/v1',
    model: env['OPENROUTER_MODEL'] || 'openai/gpt-4o-mini',
  }
}
