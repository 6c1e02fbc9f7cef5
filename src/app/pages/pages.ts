import { serveAssets } from '../../gateway/http/assets.ts'
import type { HttpHandler } from '../../gateway/http/exchange.ts'
import { boardPage } from './board.ts'
import { FILES, pageFiles } from './files.ts'
import { createLanding } from './landing.ts'
import { sdlFile } from './sdl.ts'

/** An account that visitors may use, as in the demo. */
export interface DemoAccount {
  name: string
  email: string
  password: string
}

export interface PagesOptions {
  /** Accounts that the pages offer to sign in with. Empty unless the server is a demo. */
  demo: readonly DemoAccount[]
  /** True if the schema may be read, so that its SDL is served too. */
  introspection: boolean
}

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
