import { Router, type RequestHandler } from 'express'
import { handle } from './route.js'

const options = { swaggerOptions: { url: './openapi.yaml' }, customSiteTitle: 'AI usage API' }

let loading: ReturnType<typeof load> | undefined

/** Swagger UI's page and the files it asks for. */
async function load(): Promise<{ html: string; files: RequestHandler }> {
  const { default: ui } = await import('swagger-ui-express')
  const html = ui.generateHTML(undefined, options).replace(/(href|src)="\.\//g, '$1="docs/')
  return { html, files: Router().use(...ui.serveFiles(undefined, options)) }
}

/** Few hosts ever ask for it. */
function loaded() {
  loading ??= load()
  return loading
}

/** Its links go by where the browser is, so that a proxy may have taken any prefix off. */
export const docsPage = handle(async (req, res) => {
  const { html } = await loaded()
  const [path = ''] = req.originalUrl.split('?')
  if (path.endsWith('/')) res.redirect('../docs')
  else res.type('html').send(html)
})

export const docsFiles: RequestHandler = (req, res, next) => {
  loaded()
    .then(({ files }) => files(req, res, next))
    .catch(next)
}
