import { lastSegment, versionOfClaude } from './encoding.js'
import type { ImageSize } from './image-size.js'

/** An image of a prompt. */
export interface PromptImage {
  /** Absent where it cannot be known: a link, a file id. */
  size?: ImageSize
  /** OpenAI's `detail`: 'low', 'high', 'original' or 'auto'. */
  detail?: string
}

type Formula = (size: ImageSize | undefined, detail: string | undefined) => number

/** What OpenAI's examples take for an image of which nothing is known. */
const typical: ImageSize = { width: 1024, height: 1024 }

/**
 * OpenAI's tile-based models: a base, and so much per tile of 512 px after the image was shrunk into
 * 2048 × 2048 and its shortest side to 768 px. Small images are not enlarged (as billed).
 * https://platform.openai.com/docs/guides/images-vision#calculating-costs
 */
function tiles(base: number, tile: number): Formula {
  return (size = typical, detail) => {
    if (detail === 'low') return base
    const fit = Math.min(1, 2048 / Math.max(size.width, size.height))
    const scale = fit * Math.min(1, 768 / (fit * Math.min(size.width, size.height)))
    return base + tile * squares(size, scale, 512)
  }
}

interface Budget {
  patches: number
  side: number
}
/** What a model takes at each detail. */
interface Budgets {
  high: Budget
  original: Budget
  auto: Budget
}
const low: Budget = { patches: 256, side: 512 }
const small: Budget = { patches: 1536, side: 2048 }
const large: Budget = { patches: 2500, side: 2048 }
const whole: Budget = { patches: 10_000, side: 6000 }
const upToGpt53: Budgets = { high: small, original: small, auto: small }
const gpt54: Budgets = { high: large, original: whole, auto: large }
const newer: Budgets = { high: large, original: whole, auto: whole }

/** OpenAI's patch-based models: patches of 32 px, within a budget, times a factor of the model. */
function patches(multiplier: number, { high, original, auto }: Budgets): Formula {
  return (size = typical, detail) => {
    const budget =
      detail === 'low' ? low : detail === 'high' ? high : detail === 'original' ? original : auto
    return Math.ceil(patchesWithin(size, budget) * multiplier)
  }
}

function patchesWithin({ width, height }: ImageSize, { patches: most, side }: Budget): number {
  const fit = Math.min(1, side / Math.max(width, height))
  const [w, h] = [width * fit, height * fit]
  const count = squares({ width: w, height: h }, 1, 32)
  if (count <= most) return count
  const shrink = Math.sqrt((32 ** 2 * most) / (w * h))
  const [across, down] = [(w * shrink) / 32, (h * shrink) / 32]
  const scale = shrink * Math.min(Math.floor(across) / across, Math.floor(down) / down)
  const resized = { width: Math.round(w * scale), height: Math.round(h * scale) }
  return Math.max(1, Math.min(most, squares(resized, 1, 32)))
}

function squares({ width, height }: ImageSize, scale: number, side: number): number {
  // Rounded first: 768 / 0.75 must not become one tile more.
  const count = (length: number) => Math.ceil(Math.round(length * scale * 1e6) / 1e6 / side)
  return count(width) * count(height)
}

/**
 * Claude: one token per patch of 28 px, which is about width × height / 750, after the image was
 * shrunk to the model's native resolution: 1568 px and 1568 tokens, since Claude 4.7 2576 px and 4784.
 * https://platform.claude.com/docs/en/build-with-claude/vision
 */
function claude(name: string): Formula {
  const [major, minor] = versionOfClaude(name) ?? [5, 0]
  const isNew = major > 4 || (major === 4 && minor >= 7)
  const [side, most] = isNew ? [2576, 4784] : [1568, 1568]
  return (size = typical) => {
    const fit = Math.min(1, side / Math.max(size.width, size.height))
    return Math.min(most, squares(size, fit, 28))
  }
}

/**
 * Gemini: 258 tokens for an image of at most 384 px, else per tile; a tile's side is two thirds of the
 * shorter side, from 256 to 768 px. Gemini 3 has a budget of 1120 per image instead.
 * https://ai.google.dev/gemini-api/docs/image-understanding https://ai.google.dev/gemini-api/docs/media-resolution
 */
function gemini(name: string): Formula {
  if (/gemini-(?:[3-9]|\d\d)/.test(name)) return () => 1120
  return (size) => {
    if (size === undefined || Math.max(size.width, size.height) <= 384) return 258
    const side = Math.floor(Math.min(size.width, size.height) / 1.5)
    return 258 * squares(size, 1, Math.min(768, Math.max(256, side)))
  }
}

/** OpenAI's families; order matters. Multipliers as documented, 1.2 (newer models) as billed. */
const openAiFamilies: readonly (readonly [RegExp, Formula])[] = [
  [/4o-mini/, tiles(2833, 5667)],
  [/(?:4\.1|gpt-?5)-mini/, patches(1.62, upToGpt53)],
  [/(?:4\.1|gpt-?5)-nano/, patches(2.46, upToGpt53)],
  [/o4-mini/, patches(1.72, upToGpt53)],
  [/(?:^|:)o[13](?![a-z0-9])/, tiles(75, 150)],
  [/computer-use/, tiles(65, 129)],
  [/gpt-?5\.(?:[23])(?!\d)|gpt-?5(?:\.1)?-codex-mini/, patches(1.2, upToGpt53)],
  [/gpt-?5\.4(?!\d)/, patches(1.2, gpt54)],
  [/gpt-?5(?!\.[4-9]|\.\d\d)/, tiles(70, 140)],
  [/gpt-?(?:[5-9]|\d\d)/, patches(1.2, newer)],
]

/**
 * Tokens of the images of a prompt by the formula that the model's maker documents; GPT-4o's for
 * models without one.
 */
export function imageTokens(images: readonly PromptImage[], model: string | undefined): number {
  if (images.length === 0) return 0
  const formula = formulaOf(lastSegment(model ?? ''))
  let sum = 0
  for (const { size, detail } of images) sum += formula(size, detail)
  return sum
}

const default4o = tiles(85, 170)

function formulaOf(name: string): Formula {
  if (name.includes('claude')) return claude(name)
  if (name.includes('gemini') || name.includes('gemma')) return gemini(name)
  return openAiFamilies.find(([pattern]) => pattern.test(name))?.[1] ?? default4o
}
