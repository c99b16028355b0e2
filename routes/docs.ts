import type { RequestHandler } from 'express'
import swaggerUi from 'swagger-ui-express'
import { handle } from './route.js'

const options = { swaggerOptions: { url: './openapi.yaml' }, customSiteTitle: 'AI usage API' }

/** Swagger UI at `/docs`: its page, and the handlers of its files. */
export function docsHandlers(): { page: RequestHandler; files: RequestHandler[] } {
  const html = swaggerUi.generateHTML(undefined, options)
  const page = handle((req, res) => {
    // The page is asked for with and without a slash at its end, so its links name the full path.
    const base = `${req.baseUrl}/docs/`.replace(/[^\w/.~-]/g, encodeURIComponent)
    res.type('html').send(html.replace(/(href|src)="\.\//g, `$1="${base}`))
  })
  return { page, files: [...swaggerUi.serveFiles(undefined, options)] }
}
