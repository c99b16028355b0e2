import { z } from 'zod'

/** Option `retention`, checked. Events may come 35 days late: what they belong to is kept longer. */
export const retentionSchema = z.strictObject({ logsDays: z.int().min(36).max(36_500) }).optional()

export type RetentionConfig = z.infer<typeof retentionSchema>
