import { escaped } from '../../gateway/docs/page.ts'
import { REST_BASE } from '../rest-api.ts'
import { FILES } from './files.ts'
import type { DemoAccount } from './pages.ts'

export const ICON = `${FILES}/shared/icon.svg`

/** Attributes that tell the scripts of a page where the API is, and which accounts they may offer. */
export const pageData = (demo: readonly DemoAccount[]) =>
  `data-api="${REST_BASE}" data-demo="${escaped(JSON.stringify(demo))}"`
