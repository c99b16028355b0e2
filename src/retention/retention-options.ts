import * as z from 'zod'

/** Option `retention`, checked. */
export type RetentionConfig = { readonly logsDays: number } | undefined

/**
 * Events may come 35 days late: what they belong to is kept longer.
 * @internal
 */
export const retentionSchema = z
  .strictObject({ logsDays: z.int().min(36).max(36_500) })
  .optional() satisfies z.ZodType<RetentionConfig>
