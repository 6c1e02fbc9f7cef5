import { serveAssets } from '../../gateway/http/assets.ts'
import type { HttpHandler } from '../../gateway/http/exchange.ts'
import { boardPage } from './board.ts'
import { FILES, pageFiles } from './files.ts'
import { createLanding } from './landing.ts'
import type { PagesOptions } from './page-data.ts'
import { sdlFile } from './sdl.ts'

/** Serves the landing page, the board, and the files they load. */
export function createPages({ demo, introspection }: PagesOptions): Record<string, HttpHandler> {
  const sdl = introspection ? sdlFile() : {}
  const files = serveAssets({ '/board': boardPage(demo), ...pageFiles(), ...sdl })
  return {
    '/': createLanding({ demo, introspection }),
    '/board': files,
    [`${FILES}/*`]: files,
    ...Object.fromEntries(Object.keys(sdl).map((path) => [path, files])),
  }
}
