/**
 * Writes the settings that src/config.ts declares to .env.example and to the table in
 * docs/configuration.md. With --check, compares instead and fails on a difference.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { variables as declared } from '../src/config.ts'

/** Each variable's default (as text, empty when unset) and help, in declaration order. */
const variables = Object.entries(declared).map(([name, rule]) => ({
  name,
  fallback: String(rule.safeParse(undefined).data ?? ''),
  help: rule.description ?? '',
}))

const example = `# Every setting with its default. Copy this file to .env and start with: node --env-file=.env src/main.ts

${variables.map(({ name, fallback, help }) => `# ${help}\n#${name}=${fallback}`).join('\n\n')}
`

const cell = (text: string) => text.replaceAll('|', '\\|')
const table = [
  '| variable | default | meaning |',
  '|---|---|---|',
  ...variables.map(
    ({ name, fallback, help }) => `| \`${name}\` | ${fallback ? `\`${fallback}\`` : ''} | ${cell(help)} |`,
  ),
].join('\n')

const START = '<!-- configuration: written by npm run contracts -->'
const END = '<!-- end of configuration -->'
const pagePath = new URL('../docs/configuration.md', import.meta.url)
const page = await readFile(pagePath, 'utf8')
const [before, rest] = page.split(START)
const after = rest?.split(END)[1]
if (before === undefined || after === undefined) {
  throw new Error(`docs/configuration.md must have the lines ${START} and ${END}`)
}

const files = [
  { path: new URL('../.env.example', import.meta.url), name: '.env.example', text: example },
  { path: pagePath, name: 'docs/configuration.md', text: `${before}${START}\n${table}\n${END}${after}` },
]

for (const { path, name, text } of files) {
  if (!process.argv.includes('--check')) {
    await writeFile(path, text)
  } else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    console.error(`${name} is out of date. Fix it with: npm run contracts`)
    process.exitCode = 1
  }
}
