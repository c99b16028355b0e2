/** Where the package writes what an operator should know. `console` and pino both fit. */
export interface Logger {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** The default: what an operator must know goes to the console, the rest nowhere. */
export const consoleLogger: Logger = {
  info: () => undefined,
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
}
