import { createPage, OWN_ONLY } from '../../gateway/docs/page.ts'
import type { Asset } from '../../gateway/http/assets.ts'
import { FILES, modulesOf } from './files.ts'
import { type DemoAccount, ICON, pageData } from './page-data.ts'

/** The live board: a client of the public API, without any right of its own. */
export function boardPage(demo: readonly DemoAccount[]): Asset {
  return createPage({
    title: 'Taskwire board',
    description: 'Tasks by status, live.',
    icon: ICON,
    styles: ['shared/base.css', 'board/board.css', 'board/card.css', 'board/dialog.css'].map(
      (name) => `${FILES}/${name}`,
    ),
    scripts: [],
    modules: [`${FILES}/board/start.js`],
    preloads: modulesOf('board'),
    body: `<noscript><p>The board needs JavaScript. <a href="/">Back to the start page</a></p></noscript>
<div id="app" ${pageData(demo)}></div>`,
    policy: OWN_ONLY,
  })
}
