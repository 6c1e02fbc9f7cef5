/**
 * Writes what the configuration says of itself into .env.example and the table of the README. With --check, compares
 * instead and fails on a difference.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { describeVariables } from '../src/config.ts'

const variables = describeVariables()

const example = `# Every setting with its default. Copy to .env and start with: node --env-file=.env src/main.ts

${variables.map(({ name, fallback, help }) => `# ${help}\n#${name}=${fallback}`).join('\n\n')}
`

const cell = (text: string) => text.replaceAll('|', '\\|')
const table = [
  '| variable | default | what it is |',
  '|---|---|---|',
  ...variables.map(
    ({ name, fallback, help }) => `| \`${name}\` | ${fallback ? `\`${fallback}\`` : ''} | ${cell(help)} |`,
  ),
].join('\n')

const START = '<!-- configuration: written by npm run contracts -->'
const END = '<!-- end of configuration -->'
const readmePath = new URL('../README.md', import.meta.url)
const readme = await readFile(readmePath, 'utf8')
const [before, rest] = readme.split(START)
const after = rest?.split(END)[1]
if (before === undefined || after === undefined) throw new Error(`README.md has lost the lines ${START} and ${END}`)

const files = [
  { path: new URL('../.env.example', import.meta.url), name: '.env.example', text: example },
  { path: readmePath, name: 'README.md', text: `${before}${START}\n${table}\n${END}${after}` },
]

for (const { path, name, text } of files) {
  if (!process.argv.includes('--check')) {
    await writeFile(path, text)
  } else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    console.error(`${name} does not show the configuration as it is. Mend it with: npm run contracts`)
    process.exitCode = 1
  }
}
