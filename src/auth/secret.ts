import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The secret that signs access tokens where none was configured: made once and kept in the data folder, readable by
 * its owner only. Without a folder (a throwaway database) it lives as long as the process.
 */
export async function keptSecret(folder: string | undefined): Promise<string> {
  const fresh = randomBytes(48).toString('base64url')
  if (folder === undefined) return fresh
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'jwt-secret')
  try {
    await writeFile(path, fresh, { flag: 'wx', mode: 0o600 })
    return fresh
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return (await readFile(path, 'utf8')).trim()
  }
}
