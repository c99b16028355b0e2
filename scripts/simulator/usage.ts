/** Token counts in the normal form: input with cache included, output with reasoning included. */
export interface TokenUsage {
  readonly input_tokens: number
  readonly output_tokens: number
  readonly cache_read_tokens: number
  readonly cache_write_tokens: number
  readonly reasoning_tokens: number
}
