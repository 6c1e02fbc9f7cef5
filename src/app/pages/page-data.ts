import { escaped } from '../../gateway/docs/page.ts'
import { REST_BASE } from '../rest-api.ts'
import { FILES } from './files.ts'

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

export const ICON = `${FILES}/shared/icon.svg`

/** Where the pages keep the session in the browser's local storage. */
export const SESSION_KEY = 'taskwire.session'

/** Attributes that tell the scripts of a page where the API is, and which accounts they may offer. */
export const pageData = (demo: readonly DemoAccount[]) =>
  `data-api="${REST_BASE}" data-session="${SESSION_KEY}" data-demo="${escaped(JSON.stringify(demo))}"`
