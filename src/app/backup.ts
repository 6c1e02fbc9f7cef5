import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { BackupError } from './backup/format.ts'
import { writeBackup } from './backup/write.ts'

/** taskwire backup FILE: writes a backup of the configured database, also while a server runs. */
const { positionals } = parseArgs({ args: process.argv.slice(3), allowPositionals: true })
const [file] = positionals
if (!file || positionals.length > 1) throw new BackupError('Usage: taskwire backup FILE')

const { tables, attachments } = await writeBackup(readConfig(), file)
for (const [name, { rows, sha256 }] of Object.entries(tables)) {
  console.log(`${name.padEnd(22)} ${String(rows).padStart(9)} rows   ${sha256}`)
}
console.log(`${'attachments'.padEnd(22)} ${String(attachments.count).padStart(9)} files  ${attachments.sha256}`)
if (attachments.missing.length > 0) {
  console.warn(`${attachments.missing.length} attachments were deleted meanwhile, or their files are missing.`)
}
console.log(`Backed up to ${file}.`)
