import type { ExtraFigures } from '../figures.js'
import { arrayAt, isObject, objectAt, type JsonObject } from '../json.js'
import { figure, type Reading } from '../reading.js'

const detailNames = { audio: 'audio_tokens', image: 'image_tokens' }

/**
 * What of a call was sound or images, by the details that OpenAI gives of what was sent and produced;
 * Realtime also tells which of it was cached.
 * https://platform.openai.com/docs/api-reference/chat/object
 * https://platform.openai.com/docs/api-reference/realtime-server-events/response/done
 */
export function mediaOfDetails(
  sent: JsonObject | undefined,
  produced: JsonObject | undefined,
  reading: Reading,
  { audio, image } = detailNames,
): ExtraFigures | undefined {
  if (sent === undefined && produced === undefined) return undefined
  const cached = sent && objectAt(sent, 'cached_tokens_details')
  return {
    input_audio_tokens: figure(sent, audio, reading, 'input_audio_tokens'),
    input_image_tokens: figure(sent, image, reading, 'input_image_tokens'),
    output_audio_tokens: figure(produced, audio, reading, 'output_audio_tokens'),
    output_image_tokens: figure(produced, image, reading, 'output_image_tokens'),
    cache_read_audio_tokens: figure(cached, audio, reading, 'cache_read_audio_tokens'),
    cache_read_image_tokens: figure(cached, image, reading, 'cache_read_image_tokens'),
  }
}

/** Where a usage object of Google's lists tokens by modality, and how it calls their number. */
export interface Lists {
  readonly sent: readonly string[]
  readonly produced: string
  readonly cached: string
  readonly count: string
}

/** The fields that an element of a list counts for, by its modality. */
type Kinds = Readonly<Record<string, keyof ExtraFigures>>

const sentKinds: Kinds = { AUDIO: 'input_audio_tokens', IMAGE: 'input_image_tokens' }
const producedKinds: Kinds = { AUDIO: 'output_audio_tokens', IMAGE: 'output_image_tokens' }
const cachedKinds: Kinds = { AUDIO: 'cache_read_audio_tokens', IMAGE: 'cache_read_image_tokens' }

/** The same by lists of modalities: `[{ modality: 'AUDIO', tokenCount: 25 }]`. */
export function mediaOfLists(
  usage: JsonObject,
  { sent, produced, cached, count }: Lists,
  reading: Reading,
): ExtraFigures {
  const media: ExtraFigures = {}
  const add = (list: string, kinds: Kinds) => {
    for (const one of arrayAt(usage, list)) {
      if (!isObject(one) || typeof one.modality !== 'string') continue
      const modality = one.modality.toUpperCase()
      const field = Object.hasOwn(kinds, modality) ? kinds[modality] : undefined
      if (field !== undefined)
        media[field] = (media[field] ?? 0) + (figure(one, count, reading, field) ?? 0)
    }
  }
  for (const list of sent) add(list, sentKinds)
  add(produced, producedKinds)
  add(cached, cachedKinds)
  return media
}
