import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  type TokenUsage as ConverseUsage,
} from '@aws-sdk/client-bedrock-runtime'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import type { Simulator } from '../../../scripts/simulator/index.js'
import { anthropicQuestion, anthropicUsage, type AnthropicUsage } from './anthropic.js'
import { headersOf, type Ask, type Client, type Sdk, type Told } from './sdk.js'

const MODEL = 'anthropic.claude-haiku-4-5-20251001-v1:0'

/** A client for one question, for headers are a matter of its middleware. */
function clientFor({ baseUrls }: Simulator, http2: boolean, ask: Ask): BedrockRuntimeClient {
  const client = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: baseUrls.bedrock,
    credentials: { accessKeyId: 'AKIDSIMULATOR', secretAccessKey: 'any' },
    maxAttempts: 1,
    requestHandler: http2 ? new NodeHttp2Handler() : new NodeHttpHandler(),
  })
  client.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: object }).headers, headersOf(ask))
      return next(args)
    },
    { step: 'build' },
  )
  return client
}

function options({ signal }: Ask) {
  return signal ? { abortSignal: signal } : {}
}

function converseClient(simulator: Simulator, http2: boolean): Client {
  const question = ({ prompt }: Ask) => ({
    modelId: MODEL,
    messages: [
      {
        role: 'user' as const,
        content: [{ text: prompt }, { cachePoint: { type: 'default' as const } }],
      },
    ],
  })
  return {
    whole: async (ask) => {
      const client = clientFor(simulator, http2, ask)
      const { output, usage } = await client.send(new ConverseCommand(question(ask)), options(ask))
      client.destroy()
      return { text: output?.message?.content?.[0]?.text ?? '', told: converseUsage(usage) }
    },
    async *stream(ask) {
      const client = clientFor(simulator, http2, ask)
      const command = new ConverseStreamCommand(question(ask))
      const { stream } = await client.send(command, options(ask))
      let told: Told = {}
      for await (const event of stream ?? []) {
        if (event.metadata) told = converseUsage(event.metadata.usage)
        yield event.contentBlockDelta?.delta?.text ?? ''
      }
      client.destroy()
      return told
    },
  }
}

function converseUsage(usage: ConverseUsage | undefined): Told {
  if (!usage) return {}
  const read = usage.cacheReadInputTokens ?? 0
  const written = usage.cacheWriteInputTokens ?? 0
  return {
    input_tokens: (usage.inputTokens ?? 0) + read + written,
    output_tokens: usage.outputTokens ?? 0,
    cache_read_tokens: read,
    cache_write_tokens: written,
  }
}

interface InvokeEvent {
  readonly type: string
  readonly delta?: { readonly text?: string }
  readonly usage?: AnthropicUsage
}

function invokeClient(simulator: Simulator): Client {
  const question = (ask: Ask) => ({
    modelId: MODEL,
    contentType: 'application/json',
    body: JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', ...anthropicQuestion(ask) }),
  })
  return {
    whole: async (ask) => {
      const client = clientFor(simulator, false, ask)
      const { body } = await client.send(new InvokeModelCommand(question(ask)), options(ask))
      client.destroy()
      const { content, usage } = JSON.parse(body.transformToString()) as {
        content: { text: string }[]
        usage?: AnthropicUsage
      }
      return { text: content[0]?.text ?? '', told: anthropicUsage(usage) }
    },
    async *stream(ask) {
      const client = clientFor(simulator, false, ask)
      const command = new InvokeModelWithResponseStreamCommand(question(ask))
      const { body } = await client.send(command, options(ask))
      let told: Told = {}
      for await (const { chunk } of body ?? []) {
        const event = JSON.parse(Buffer.from(chunk?.bytes ?? []).toString()) as InvokeEvent
        if (event.type === 'message_delta' && event.usage) told = anthropicUsage(event.usage)
        yield event.delta?.text ?? ''
      }
      client.destroy()
      return told
    },
  }
}

const provider = 'bedrock'

export const bedrockSdks: readonly Sdk[] = [
  {
    name: '@aws-sdk/client-bedrock-runtime (Converse, HTTP/1.1)',
    provider,
    connect: (simulator) => converseClient(simulator, false),
  },
  {
    name: '@aws-sdk/client-bedrock-runtime (Converse, HTTP/2)',
    provider,
    http2: true,
    connect: (simulator) => converseClient(simulator, true),
  },
  {
    name: '@aws-sdk/client-bedrock-runtime (InvokeModel)',
    provider,
    connect: invokeClient,
  },
]
