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

/** A line is cut after so many characters. */
const maxLength = 4_000

/**
 * The same logger, given one line at a time, whatever names of users or models stand in it: what would
 * begin a line of its own, or steer a terminal, is written as its code.
 */
export function lineByLine(logger: Logger): Logger {
  return {
    info: (message) => logger.info(oneLine(message)),
    warn: (message) => logger.warn(oneLine(message)),
    error: (message) => logger.error(oneLine(message)),
  }
}

function oneLine(message: string): string {
  return message
    .slice(0, maxLength)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16) ?? ''}}`)
}
