import { ASSET_HEADERS, type Asset, createAsset } from '../http/assets.ts'

/** Directives of a content security policy by name. */
export type Policy = Readonly<Record<string, string>>

/** Allows a page only what it loads from this server. */
export const OWN_ONLY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'connect-src': "'self'",
  'img-src': "'self' data:",
  'style-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'self'",
  'frame-ancestors': "'none'",
} satisfies Policy

export interface PageOptions {
  title: string
  icon: string
  styles: readonly string[]
  scripts: readonly string[]
  /** ES modules that start the page. */
  modules?: readonly string[]
  /** ES modules that these import, so that all are requested at once. */
  preloads?: readonly string[]
  description?: string
  /** The HTML between the styles and the scripts. */
  body: string
  policy: Policy
}

/** Creates an HTML page that loads everything else from this server, so that it works offline. */
export function createPage(options: PageOptions): Asset {
  const { title, icon, styles, scripts, modules = [], preloads = [], description, body, policy } = options
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="${icon}">
${[
  ...(description ? [`<meta name="description" content="${escaped(description)}">`] : []),
  ...styles.map((href) => `<link rel="stylesheet" href="${href}">`),
  ...preloads.map((href) => `<link rel="modulepreload" href="${href}">`),
].join('\n')}
${body}
${[
  ...scripts.map((src) => `<script src="${src}" defer></script>`),
  ...modules.map((src) => `<script type="module" src="${src}"></script>`),
].join('\n')}
</html>
`
  const csp = Object.entries(policy).map(([name, value]) => `${name} ${value}`)
  return createAsset(async () => Buffer.from(html), {
    ...ASSET_HEADERS,
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': csp.join('; '),
  })
}

export const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

/**
 * Removes the link to a source map: none is served, and developer tools would report
 * each as missing.
 */
export const NO_SOURCE_MAP = [/\s*(?:\/\/|\/\*)# sourceMappingURL=\S+(?: ?\*\/)?\s*$/, '\n'] as [RegExp, string]

/** Returns the headers of a file by its name. */
export function headersOf(file: string): Record<string, string> {
  return { ...ASSET_HEADERS, 'Content-Type': typeOf(file) }
}

function typeOf(file: string): string {
  if (file.endsWith('.png')) return 'image/png'
  if (file.endsWith('.ico')) return 'image/x-icon'
  if (file.endsWith('.svg')) return 'image/svg+xml'
  return file.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8'
}
