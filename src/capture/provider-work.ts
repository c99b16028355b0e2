import { nanoUsd } from '../event.js'
import { allOf, andThen, type MaybePromise } from '../maybe-promise.js'
import type { TokenCounter } from '../tokens/counter.js'
import type { Calls } from './calls.js'
import { countOrEstimate } from './count-tokens.js'
import type { ProviderCall } from './provider-call.js'
import { providerOfModel } from './provider-of-model.js'
import { hasFigures, type Reading } from './reading.js'
import type { Part } from './shares.js'

/** A provider call of the host, read. */
export interface Work {
  readonly call: ProviderCall
  readonly reading: Reading
  /** As the answer names it, else as it was asked for. */
  readonly model: string | undefined
  readonly provider: string | undefined
  /** The provider gave its figures. */
  readonly isReported: boolean
  /** Refused or never answered: the provider did nothing that it would bill. */
  readonly isFree: boolean
}

const none: readonly Work[] = []

/** Reads the calls of an operation; from here on no other joins. */
export function readWork(calls: Calls | undefined): MaybePromise<readonly Work[]> {
  if (calls === undefined) return none
  calls.seal()
  const { all, later } = calls
  return andThen(allOf([...all, ...later].map((call) => call.read())), (readings) =>
    workOf(all, withLater(readings.slice(0, all.length), readings.slice(all.length))),
  )
}

/** What went on in the background counts as what was told of it at last; of nothing else. */
function withLater(readings: readonly Reading[], later: readonly Reading[]): readonly Reading[] {
  if (later.length === 0) return readings
  const told = later.filter(hasFigures)
  return readings.map((reading) => {
    const { generation_id: id } = reading
    if (id === undefined || hasFigures(reading)) return reading
    return told.findLast(({ generation_id }) => generation_id === id) ?? reading
  })
}

function workOf(calls: readonly ProviderCall[], readings: readonly Reading[]): Work[] {
  const work: Work[] = []
  const names = new FullNames(calls, readings)
  for (const [index, call] of calls.entries()) {
    const reading = readings[index]
    if (reading === undefined) continue
    const isReported = hasFigures(reading)
    if (!isReported && !call.isForModel) continue
    const model = reading.model ?? names.of(call.ask().model)
    work.push({
      call,
      reading,
      model,
      provider: call.target.provider ?? reading.provider ?? providerOfModel(model),
      isReported,
      isFree: !isReported && (!isAnswered(call) || isOnlyAnError(reading)),
    })
  }
  return work
}

/** The names of answers by the names asked for, so that a refused try counts for its model. */
class FullNames {
  readonly #calls: readonly ProviderCall[]
  readonly #readings: readonly Reading[]
  #names: Map<string, string> | undefined

  constructor(calls: readonly ProviderCall[], readings: readonly Reading[]) {
    this.#calls = calls
    this.#readings = readings
  }

  of(asked: string | undefined): string | undefined {
    this.#names ??= this.#read()
    return asked === undefined ? undefined : (this.#names.get(asked) ?? asked)
  }

  #read(): Map<string, string> {
    const names = new Map<string, string>()
    for (const [index, call] of this.#calls.entries()) {
      const full = this.#readings[index]?.model
      const asked = full === undefined ? undefined : call.ask().model
      if (full !== undefined && asked !== undefined) names.set(asked, full)
    }
    return names
  }
}

function isAnswered({ status }: ProviderCall): boolean {
  return status !== undefined && status >= 200 && status < 300
}

/** OpenRouter says 200 and only then learns that the provider would not. */
function isOnlyAnError({ error_type, text_length }: Reading): boolean {
  return error_type !== undefined && text_length === 0
}

/** What the calls used: the provider's own figures, else counted from what was sent and came back. */
export function partsOf(
  work: readonly Work[],
  estimateTokens: number,
  counter: TokenCounter,
): MaybePromise<Part[]> {
  return allOf(work.map((one) => partOf(one, estimateTokens, counter)))
}

function partOf(
  { reading, call, model, provider, isReported, isFree }: Work,
  estimateTokens: number,
  counter: TokenCounter,
): MaybePromise<Part> {
  const { generation_id, service_tier } = reading
  const cost = costOf(reading)
  if (isReported) {
    reading.text = []
    const { tokens } = reading
    return { provider, model, generation_id, service_tier, cost, tokens, token_source: 'provider' }
  }
  const known = { provider, model, generation_id, service_tier, cost }
  if (isFree) return { ...known, tokens: {}, token_source: 'none' }
  const { prompt } = call.ask()
  const countable = { reading, prompt, model, estimateTokens }
  const { input_tokens, output_tokens } = reading.tokens
  const figures = {
    ...reading.tokens,
    input_tokens,
    output_tokens: reading.output_is_final ? output_tokens : undefined,
  }
  return countOrEstimate(countable, figures, counter).then((counted) => ({ ...known, ...counted }))
}

/** The part of an operation that its own answer tells of, where no call was seen. */
export function partOfAnswer(reading: Reading): Part {
  const { provider, model, generation_id, service_tier, tokens } = reading
  const cost = costOf(reading)
  return { provider, model, generation_id, service_tier, cost, tokens, token_source: 'provider' }
}

function costOf(reading: Reading): Part['cost'] {
  const reported = nanoUsd(reading.cost_usd)
  if (reported === undefined) return { cost_nano_usd: null }
  return { cost_nano_usd: reported, cost_source: 'provider' }
}
