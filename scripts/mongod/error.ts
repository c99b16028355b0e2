export type MongodErrorCode = 'override_unusable' | 'not_found' | 'in_use' | 'start_failed'

/** Why there is no mongod. The message is written for the person at the terminal. */
export class MongodError extends Error {
  readonly code: MongodErrorCode

  constructor(code: MongodErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MongodError'
    this.code = code
  }
}

/** The message of whatever was thrown, on one line. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.trim().replaceAll(/\s*\n\s*/g, ' ')
}
