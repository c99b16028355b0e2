import * as z from 'zod'
import { concealed, invalidOption, shown } from '../identity/invalid-option.js'
import { dialectOf, type Dialect, type ProxyPath } from './dialects.js'

/** The options of `usage.proxy`. */
export interface ProxyOptions {
  /**
   * `openai`, `anthropic`, `gemini`, `openrouter`, `azure`, `deepseek`, `groq`, `mistral`, `ollama`,
   * `xai`, or your own name for another OpenAI-compatible server.
   */
  provider: string
  /** The provider's key. May be left out where `baseUrl` needs none. Never leaves the server. */
  apiKey?: string | undefined
  /** What the mount path stands for. Default: the provider's public address. */
  baseUrl?: string | undefined
  /** What may be called. Default: the provider's generation endpoints and its list of models. */
  paths?: readonly ProxyPath[] | undefined
  /** Models that may be asked for, each exact or a prefix with `*` at its end. Default: all. */
  models?: readonly string[] | undefined
  /** Calls of nobody in particular: refused with 401, or counted for `anonymous`. Default 'refuse'. */
  anonymous?: 'refuse' | 'track' | undefined
  /** Largest JSON body that is taken, bytes; 413 beyond. Multipart has no bound. Default 20 MiB. */
  maxBodyBytes?: number | undefined
  /** How long the provider may be silent, ms. Default 600,000. */
  timeoutMs?: number | undefined
  /** Ask for usage in streams of OpenAI-compatible completions. Default true, for mistral false. */
  includeUsage?: boolean | undefined
  /** What OpenRouter learns as `user`: a keyed hash, the user id, or what the client sends. Default 'pseudonym'. */
  user?: 'pseudonym' | 'user_id' | 'client' | undefined
  /** Key of the pseudonyms. Default `auth.secret`, or else random, new in every process. */
  userSecret?: string | undefined
  /** Headers sent with every call, such as `OpenAI-Project` or `HTTP-Referer`. Default: none. */
  headers?: Readonly<Record<string, string>> | undefined
  /** Request headers of the client that pass beside the usual ones. Default: none. */
  passHeaders?: readonly string[] | undefined
}

/** `ProxyOptions`, checked, with defaults. */
export interface ProxyConfig {
  readonly dialect: Dialect
  readonly apiKey: string | undefined
  readonly baseUrl: URL
  readonly paths: readonly ProxyPath[]
  readonly models: readonly string[] | undefined
  readonly anonymous: 'refuse' | 'track'
  readonly maxBodyBytes: number
  readonly timeoutMs: number
  readonly includeUsage: boolean
  readonly user: 'pseudonym' | 'user_id' | 'client'
  readonly userSecret: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly passHeaders: ReadonlySet<string>
}

const name = /^[\w.-]{1,64}$/
const headerName = /^[\w-]{1,64}$/
const visible = /^[\x21-\x7e]+$/

const path = z.strictObject({
  path: z.string().startsWith('/'),
  type: z.string().regex(name, 'must be 1 to 64 letters, digits, _, - or .').optional(),
  estimateTokens: z.int().min(0).max(10_000_000).optional(),
  methods: z
    .array(z.string().regex(/^[A-Za-z]+$/))
    .min(1)
    .optional(),
})

const schema = z.strictObject({
  provider: z.string().regex(name, 'must be 1 to 64 letters, digits, _, - or .'),
  apiKey: z.string().regex(visible, 'must be printable, without spaces').optional(),
  baseUrl: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
  paths: z.array(path).min(1).max(1000).optional(),
  models: z.array(z.string().min(1).max(256)).max(10_000).optional(),
  anonymous: z.enum(['refuse', 'track']).default('refuse'),
  maxBodyBytes: z
    .int()
    .min(1024)
    .max(256 * 1024 * 1024)
    .default(20 * 1024 * 1024),
  timeoutMs: z.int().min(1).max(86_400_000).default(600_000),
  includeUsage: z.boolean().optional(),
  user: z.enum(['pseudonym', 'user_id', 'client']).default('pseudonym'),
  userSecret: z.string().min(16, 'must have at least 16 characters').optional(),
  headers: z.record(z.string().regex(headerName), z.string().regex(/^[\x20-\x7e]*$/)).default({}),
  passHeaders: z.array(z.string().regex(headerName)).max(100).default([]),
})

const secretive = new Set(['apiKey', 'userSecret', 'headers', 'baseUrl'])

/**
 * Checks the options of a proxy.
 * @throws UsageError `invalid_option`, naming option, rule and value (never a key)
 */
export function parseProxyOptions(options: ProxyOptions): ProxyConfig {
  const parsed = schema.safeParse(options)
  if (!parsed.success) throw describe(parsed.error.issues[0], options)
  const { data } = parsed
  const dialect = dialectOf(data.provider)
  if (data.apiKey === undefined && data.baseUrl === undefined && dialect.provider !== 'ollama') {
    throw invalidOption('proxy.apiKey', 'must be given, or else baseUrl', 'undefined')
  }
  return Object.freeze({
    ...data,
    dialect,
    apiKey: data.apiKey,
    baseUrl: parseBaseUrl(data.baseUrl ?? dialect.baseUrl),
    paths: data.paths ?? dialect.paths,
    models: data.models,
    includeUsage: data.includeUsage ?? dialect.asksForUsage,
    userSecret: data.userSecret,
    passHeaders: new Set(data.passHeaders.map((header) => header.toLowerCase())),
  })
}

function parseBaseUrl(given: string | undefined): URL {
  if (given === undefined) {
    throw invalidOption('proxy.baseUrl', 'must be given for this provider', 'undefined')
  }
  const url = new URL(given)
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    const rule = 'must have no credentials, query or fragment'
    throw invalidOption('proxy.baseUrl', rule, concealed(given))
  }
  return url
}

function describe(issue: z.core.$ZodIssue | undefined, options: ProxyOptions): Error {
  const [option = 'options', ...rest] = (issue?.path ?? []).map(String)
  if (issue?.code === 'unrecognized_keys') {
    const unknown = [...(issue.path.length > 0 ? [option, ...rest] : []), issue.keys[0]].join('.')
    return invalidOption(`proxy.${unknown}`, 'is not an option', 'unknown here')
  }
  const value: unknown = Reflect.get(Object(options), option)
  const message = issue?.message.replace(/^Invalid (?:input|option|string|URL):? ?/, '') ?? ''
  const rule = message.startsWith('must') ? message : `must be valid (${message})`
  return invalidOption(
    ['proxy', option, ...rest].join('.'),
    rule,
    secretive.has(option) ? concealed(value) : shown(value),
  )
}
