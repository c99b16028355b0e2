import type { RequestHandler } from 'express'
import swaggerUi from 'swagger-ui-express'
import { handle } from './route.js'

const options = { swaggerOptions: { url: './openapi.yaml' }, customSiteTitle: 'AI usage API' }

/** Swagger UI at `/docs`: its page, and the handlers of its files. */
export function docsHandlers(): { page: RequestHandler; files: RequestHandler[] } {
  const html = swaggerUi.generateHTML(undefined, options).replace(/(href|src)="\.\//g, '$1="docs/')
  // Its links go by where the browser is, so that a proxy may have taken any prefix off.
  const page = handle((req, res) => {
    const [path = ''] = req.originalUrl.split('?')
    if (path.endsWith('/')) res.redirect('../docs')
    else res.type('html').send(html)
  })
  return { page, files: [...swaggerUi.serveFiles(undefined, options)] }
}
