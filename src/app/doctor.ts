import { readConfig } from '../config.ts'
import { checkConfiguration } from './doctor/configuration.ts'
import { checkDatabase } from './doctor/database.ts'
import type { Finding } from './doctor/finding.ts'
import { checkFolders, checkPort } from './doctor/machine.ts'

/** taskwire doctor: checks the set-up. Prints each finding with its remedy. Exit code 1 if one is a problem. */
const findings: Finding[] = await examine()
for (const { level, subject, text, remedy } of findings) {
  console.log(`${level.padEnd(8)} ${subject}: ${text}`)
  if (remedy) console.log(`${' '.repeat(9)}${remedy}`)
}
const problems = findings.filter(({ level }) => level === 'problem').length
console.log(problems === 0 ? 'No problems found.' : `${problems} ${problems === 1 ? 'problem' : 'problems'} found.`)
process.exitCode = problems === 0 ? 0 : 1

async function examine(): Promise<Finding[]> {
  const configuration = checkConfiguration()
  // Nothing else can be checked without a valid configuration.
  if (configuration.some(({ level }) => level === 'problem')) return configuration
  const config = readConfig()
  const rest = await Promise.all([checkFolders(config), checkPort(config), checkDatabase(config)])
  return [...configuration, ...rest.flat()]
}
