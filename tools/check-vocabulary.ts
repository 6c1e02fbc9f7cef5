/**
 * Keeps domain words out of the folders that any application could reuse. `npm run check` runs it:
 * exit code 1 and one line per domain word found in the gateway, the database layer or the
 * event log.
 */
import { globSync, readFileSync } from 'node:fs'

const DOMAIN_FREE = 'src/{gateway,database,events}/**/*.ts'
const DOMAIN_WORD = /\b(tasks?|projects?|memberships?|inbox)\b/i

let found = 0
for (const path of globSync(DOMAIN_FREE)) {
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (!DOMAIN_WORD.test(line)) continue
    console.error(`${path}:${index + 1} names the domain: ${line.trim()}`)
    found++
  }
}
process.exitCode = found === 0 ? 0 : 1
