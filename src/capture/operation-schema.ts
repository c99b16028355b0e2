import * as z from 'zod'

const name = /^[\w.-]{1,64}$/

/** Option `operations`. */
export const operationsSchema = z
  .array(
    z.strictObject({
      path: z.string().startsWith('/').max(512),
      type: z.string().regex(name, 'must be 1 to 64 letters, digits, _, - or .'),
      estimateTokens: z.int().min(0).max(10_000_000).optional(),
      methods: z
        .array(z.string().regex(/^[A-Za-z]+$/))
        .min(1)
        .optional(),
    }),
  )
  .max(1000)
  .default([])
