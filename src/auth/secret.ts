import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Returns the secret that signs access tokens when none is configured. Generated once and stored in
 * the data folder, readable only by its owner. Without a folder (an in-memory database) it lives as
 * long as the process.
 */
export async function loadOrCreateSecret(folder: string | undefined): Promise<string> {
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
