import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../src/database/client.ts'
import { restrictFolder, restrictTree } from '../../src/database/permissions.ts'
import { embeddedDatabase, onPostgres } from '../support/database.ts'
import { keepingLog } from '../support/server.ts'

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'tw-permissions-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

const modeOf = (path: string) => (lstatSync(path).mode & 0o7777).toString(8)

/** Returns the distinct modes of a folder and everything in it. */
function modesIn(path: string): string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  const modes = entries.map(
    (entry) => `${entry.isDirectory() ? 'd' : 'f'} ${modeOf(join(entry.parentPath, entry.name))}`,
  )
  return [...new Set([`d ${modeOf(path)}`, ...modes])].sort()
}

test('a tree is restricted to its owner, links and what they lead to are not touched', () => {
  const [tree, elsewhere] = [folder(), folder()]
  mkdirSync(join(tree, 'inner'), { mode: 0o755 })
  writeFileSync(join(tree, 'inner', 'file'), '', { mode: 0o644 })
  writeFileSync(join(elsewhere, 'file'), '')
  chmodSync(join(elsewhere, 'file'), 0o666)
  symlinkSync(join(elsewhere, 'file'), join(tree, 'link'))
  expect(restrictTree(tree)).toEqual({ corrected: 2, failed: 0 })
  expect([modeOf(join(tree, 'inner')), modeOf(join(tree, 'inner', 'file'))]).toEqual(['700', '600'])
  expect(modeOf(join(elsewhere, 'file'))).toBe('666')
  expect(restrictTree(tree)).toEqual({ corrected: 0, failed: 0 })
})

test('a folder for everyone, like /tmp, stays so', () => {
  const shared = folder()
  chmodSync(shared, 0o1777)
  expect(restrictFolder(shared)).toEqual({ corrected: 0, failed: 0 })
  expect(modeOf(shared)).toBe('1777')
})

test.skipIf(onPostgres)('each start restricts the data folder and logs what it corrected', async () => {
  const { options, drop } = await embeddedDatabase()
  onTestFinished(drop)
  for (const round of ['copied', 'restored with other modes']) {
    for (const entry of readdirSync(options.dataDir, { recursive: true, withFileTypes: true })) {
      chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o666)
    }
    chmodSync(options.dataDir, 0o755)
    const log = keepingLog()
    const handle = await openDatabase({ ...options, log })
    expect(modesIn(options.dataDir), round).toEqual(['d 700', 'f 600'])
    expect(log.lines.map(({ message }) => message).join()).toContain('restricted the data folder to its owner')
    await handle.close()
  }
  const log = keepingLog()
  const handle = await openDatabase({ ...options, log })
  await handle.db.$executeRaw`CREATE TABLE "Later" AS SELECT generate_series(1, 1000) AS n`
  expect(modesIn(options.dataDir)).toEqual(['d 700', 'f 600'])
  await handle.close()
})
