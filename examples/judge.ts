/**
 * Lints the OpenAPI documents of the examples with Redocly and Spectral. Needs both, for instance in
 * /tmp/judges: npm install --prefix /tmp/judges @redocly/cli @stoplight/spectral-cli @stoplight/spectral-owasp-ruleset
 * Exit code 1 for an error or a warning.
 *
 *   node examples/judge.ts /tmp/judges
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { EXAMPLES } from './all.ts'

const folder = resolve(process.argv[2] ?? '/tmp/judges')
const work = join(folder, 'examples')
rmSync(work, { recursive: true, force: true })
mkdirSync(work, { recursive: true })
// Spectral resolves its rulesets from the folder of the file.
copyFileSync(new URL('../.spectral.yaml', import.meta.url), join(folder, '.spectral.yaml'))
copyFileSync(new URL('.spectral.yaml', import.meta.url), join(work, '.spectral.yaml'))

let failed = false
for (const [name, create] of Object.entries(EXAMPLES)) {
  const gateway = await create()
  const file = join(work, `${name}.json`)
  writeFileSync(file, JSON.stringify(await gateway.openApi(), null, 2))
  run('redocly', ['lint', file])
  run('spectral', ['lint', '--fail-severity=warn', '--ruleset', join(work, '.spectral.yaml'), file])
}
process.exitCode = failed ? 1 : 0

function run(tool: string, args: string[]): void {
  const { status } = spawnSync(join(folder, 'node_modules/.bin', tool), args, { stdio: 'inherit' })
  failed ||= status !== 0
}
