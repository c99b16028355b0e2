import type { Request, RequestHandler } from 'express'
import multer from 'multer'
import { Problem } from './problem.js'

const FILE_LIMIT_BYTES = 5 * 1024 * 1024
const FIELD_LIMIT_BYTES = 256 * 1024

/** What is known of an uploaded file; its bytes live only as long as the request. */
export interface UploadedFile {
  readonly name: string
  readonly size_bytes: number
  /** Media type as the client gave it. */
  readonly type: string
}

/** Reads one multipart file named `file` of at most 5 MB, in memory; problems are 400 or 413. */
export function readUpload(): RequestHandler {
  const upload = multer({
    storage: multer.memoryStorage(),
    limits: { fileSize: FILE_LIMIT_BYTES, files: 1, fields: 10, fieldSize: FIELD_LIMIT_BYTES },
    defParamCharset: 'utf8',
  }).single('file')
  return function uploadReader(request, response, next) {
    upload(request, response, (error: unknown) => {
      if (error !== undefined && error !== null) next(uploadProblem(error))
      else next()
    })
  }
}

/** The file that {@link readUpload} has read. Throws {@link Problem} 400 when there is none. */
export function fileOf({ file }: Request): Express.Multer.File {
  if (file) return file
  throw new Problem(400, 'bad_request', 'Send multipart/form-data with a file in field file.')
}

export function describe(file: Express.Multer.File): UploadedFile {
  return { name: file.originalname, size_bytes: file.size, type: file.mimetype }
}

/** The file's text. Throws {@link Problem} 400 when it is not UTF-8 text. */
export function textOfFile({ buffer, originalname }: Express.Multer.File): string {
  const text = decodeUtf8(buffer)
  if (text !== undefined && !text.includes('\u0000')) return text
  const name = JSON.stringify(originalname)
  throw new Problem(
    400,
    'bad_request',
    `file: ${name} is not UTF-8 text; the demo reads text files.`,
  )
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function uploadProblem(error: unknown): Problem {
  if (!(error instanceof Error))
    return new Problem(400, 'bad_request', 'The upload cannot be read.')
  const isTooLarge =
    error instanceof multer.MulterError &&
    (error.code === 'LIMIT_FILE_SIZE' || error.code === 'LIMIT_FIELD_VALUE')
  if (isTooLarge) {
    return new Problem(
      413,
      'payload_too_large',
      `${error.message}: a file may have 5 MB, a field 256 KB.`,
    )
  }
  return new Problem(400, 'bad_request', `The upload cannot be read: ${error.message}`)
}
