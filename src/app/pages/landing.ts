import Negotiator from 'negotiator'
import { createPage, OWN_ONLY } from '../../gateway/docs/page.ts'
import { type HttpHandler, readOnly } from '../../gateway/http/exchange.ts'
import { FILES, modulesOf } from './files.ts'
import { type EntryPoint, entryPoints, landingBody } from './landing-body.ts'
import { ICON, type PagesOptions } from './page-data.ts'

const DESCRIPTION = 'A self-hosted task API: each operation is defined once and served as GraphQL, as REST and live.'

/** Serves the start page, or its links as JSON when the client asks for that. */
export function createLanding(options: PagesOptions): HttpHandler {
  const points = entryPoints(options)
  const page = createPage({
    title: 'Taskwire',
    description: DESCRIPTION,
    icon: ICON,
    styles: [`${FILES}/shared/base.css`, `${FILES}/landing/landing.css`],
    scripts: [],
    modules: [`${FILES}/landing/start.js`],
    preloads: modulesOf('landing'),
    body: landingBody(options, points),
    policy: OWN_ONLY,
  })
  const json = linksAsJson(points)
  return readOnly((exchange) => {
    const { request, response } = exchange
    response.setHeader('Vary', 'Accept')
    const wanted = new Negotiator(request).mediaType(['text/html', 'application/json'])
    if (wanted !== 'application/json') return page.send(exchange)
    response.writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-cache' })
    response.end(json)
  })
}

function linksAsJson(points: readonly EntryPoint[]): string {
  return JSON.stringify({
    name: 'Taskwire',
    links: Object.fromEntries(points.map(({ path, what }) => [path, what])),
  })
}
