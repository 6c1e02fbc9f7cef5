import { parseArgs } from 'node:util'
import { readConfig } from '../config.ts'
import { BackupError } from './backup/format.ts'
import { restoreBackup } from './backup/restore.ts'

/** taskwire restore FILE [--replace]: restores a backup into the configured database. */
const { positionals, values } = parseArgs({
  args: process.argv.slice(3),
  allowPositionals: true,
  options: { replace: { type: 'boolean', default: false } },
})
const [file] = positionals
if (!file || positionals.length > 1) throw new BackupError('Usage: taskwire restore FILE [--replace]')

const { header, manifest, migrated } = await restoreBackup(readConfig(), file, values)
const rows = Object.values(manifest.tables).reduce((sum, table) => sum + table.rows, 0)
const { count, missing } = manifest.attachments
console.log(`Restored ${rows} rows and ${count} attachments of ${header.createdAt}. All checksums are equal.`)
if (missing.length > 0) console.log(`${missing.length} attachments have no file. The server removes them within a day.`)
if (migrated.length > 0) console.log(`Applied ${migrated.length} newer migrations.`)
