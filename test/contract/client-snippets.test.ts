import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedServer, signUp, type TestServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Snippet {
  heading: string
  language: string
  code: string
  /** Undefined if the page shows none. */
  output: string | undefined
}

/** How to run a snippet in each language. */
const RUN: Record<string, (file: string) => [string, ...string[]]> = {
  sh: (file) => ['sh', file],
  js: (file) => [process.execPath, '--experimental-eventsource', file],
  ts: (file) => [process.execPath, file],
  python: (file) => ['python3', file],
}
const EXTENSIONS: Record<string, string> = { sh: 'sh', js: 'mjs', ts: 'ts', python: 'py' }

function snippetsOf(page: string): Snippet[] {
  const blocks = [...page.matchAll(/^(?:## (?<heading>.+)|```(?<language>\w+)\n(?<code>[\s\S]*?)^```)$/gm)]
  let heading = ''
  const found: Snippet[] = []
  for (const { groups = {} } of blocks) {
    if (groups.heading) heading = groups.heading
    else if (groups.language === 'text') found.at(-1)!.output = groups.code
    else found.push({ heading, language: groups.language!, code: groups.code!, output: undefined })
  }
  return found.filter((one) => one.heading !== '')
}

let server: TestServer
let folder: string

beforeAll(async () => {
  server = await sharedServer()
  folder = await mkdtemp(join(tmpdir(), 'taskwire-snippets-'))
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const snippets = snippetsOf(await readFile(join(ROOT, 'docs/clients.md'), 'utf8'))

test.concurrent.each(snippets.map((snippet, index) => ({ ...snippet, index })))(
  'docs/clients.md, $heading: the $language example prints what the page says',
  async ({ language, code, output, index }) => {
    const { token } = await signUp(server)
    const file = join(folder, `${index}.${EXTENSIONS[language]}`)
    const { host } = new URL(server.url)
    await writeFile(file, code.replaceAll('localhost:4000', host))
    const [command, ...args] = RUN[language]!(file)
    const { stdout } = await promisify(execFile)(command, args, {
      cwd: folder,
      timeout: 60_000,
      env: { PATH: process.env.PATH, HOME: folder, TOKEN: token, NODE_NO_WARNINGS: '1', NO_COLOR: '1' },
    })
    if (output !== undefined) expect(`${stdout.trim()}\n`).toBe(output)
  },
)

test('every client of the page has an example', () => {
  expect(new Set(snippets.map(({ heading }) => heading)).size).toBe(6)
})
