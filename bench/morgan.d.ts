declare module 'morgan' {
  import type { RequestHandler } from 'express'

  function morgan(
    format: string,
    options: { stream: { write(line: string): unknown } },
  ): RequestHandler
  export = morgan
}
