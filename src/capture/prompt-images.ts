import { sizeOfBase64, type PromptImage } from '../tokens/counter.js'
import { isObject, objectAt, type Json, type JsonObject } from './json.js'

/** Images looked at in one message. */
const maxImages = 200

/**
 * The images among a message's content parts, in the spellings of OpenAI (Chat and Responses),
 * Anthropic, Gemini, Bedrock and the AI SDK, and in Ollama's `images` beside the content.
 */
export function imagesOf(message: JsonObject): PromptImage[] {
  const images: PromptImage[] = []
  for (const key of ['content', 'parts']) {
    const parts = message[key]
    if (!Array.isArray(parts)) continue
    for (const part of parts) {
      const image = isObject(part) && images.length < maxImages ? imageOf(part) : undefined
      if (image) images.push(image)
    }
  }
  if (Array.isArray(message.images)) {
    for (const data of message.images.slice(0, maxImages)) images.push(sized(data))
  }
  return images
}

function imageOf(part: JsonObject): PromptImage | undefined {
  switch (part.type) {
    case 'image_url': {
      const image = objectAt(part, 'image_url')
      return sized(image ? image.url : part.image_url, image?.detail)
    }
    case 'input_image':
      return sized(part.image_url, part.detail)
    case 'image':
      return sized(objectAt(part, 'source')?.data ?? part.image ?? part.data)
    case 'file':
      return isImageType(part.mediaType ?? part.mimeType) ? sized(part.url ?? part.data) : undefined
    default: {
      const inline = objectAt(part, 'inlineData') ?? objectAt(part, 'inline_data')
      if (inline)
        return isImageType(inline.mimeType ?? inline.mime_type) ? sized(inline.data) : undefined
      const file = objectAt(part, 'fileData')
      if (file) return isImageType(file.mimeType) ? sized(undefined) : undefined
      const bedrock = objectAt(part, 'image')
      return bedrock && sized(objectAt(bedrock, 'source')?.bytes)
    }
  }
}

function isImageType(type: Json | undefined): boolean {
  return typeof type === 'string' && type.startsWith('image/')
}

/** The image with the size that its data tells; a link tells none. */
function sized(data: Json | undefined, detail?: Json): PromptImage {
  const size = typeof data === 'string' && !/^https?:/.test(data) ? sizeOfBase64(data) : undefined
  return { ...(size && { size }), ...(typeof detail === 'string' && { detail }) }
}
