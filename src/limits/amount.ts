/** What one or several operations use: whole numbers, cost in nano-USD. */
export interface Amount {
  readonly requests: number
  readonly tokens: number
  readonly cost: number
}

export const nothing: Amount = { requests: 0, tokens: 0, cost: 0 }

export function plus(a: Amount, b: Amount): Amount {
  return {
    requests: a.requests + b.requests,
    tokens: a.tokens + b.tokens,
    cost: a.cost + b.cost,
  }
}

export function minus(a: Amount, b: Amount): Amount {
  return {
    requests: a.requests - b.requests,
    tokens: a.tokens - b.tokens,
    cost: a.cost - b.cost,
  }
}
