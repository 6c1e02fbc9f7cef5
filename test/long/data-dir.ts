/**
 * node test/long/data-dir.ts
 * Creates an embedded database and counts its files by mode. Exit code 1 if others than their owner
 * may read or write any.
 */
import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/database/client.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'taskwire-modes-'))
const handle = await openDatabase({ dataDir })
await handle.db.user.findFirst()
await handle.close()
const modes = readdirSync(dataDir, { recursive: true, withFileTypes: true }).map((entry) => {
  const { mode } = lstatSync(join(entry.parentPath, entry.name))
  return `${entry.isDirectory() ? 'folder' : 'file'} ${(mode & 0o777).toString(8)}`
})
const counts = Object.fromEntries([...Map.groupBy(modes, (mode) => mode)].map(([mode, all]) => [mode, all.length]))
console.log(JSON.stringify(counts))
rmSync(dataDir, { recursive: true })
process.exit(Object.keys(counts).every((mode) => /[67]00$/.test(mode)) ? 0 : 1)
