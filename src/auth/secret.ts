import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Returns the secret that signs access tokens when none is configured. Generated once and stored in
 * the data folder, readable only by its owner. Without a folder (an in-memory database) it lives as
 * long as the process.
 */
export async function loadOrCreateSecret(folder: string | undefined): Promise<string> {
  const fresh = randomBytes(48).toString('base64url')
  if (folder === undefined) return fresh
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'jwt-secret')
  try {
    await writeFile(path, fresh, { flag: 'wx', mode: 0o600 })
    return fresh
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    // A restored backup may have other permissions. A mounted file may have another owner.
    await chmod(path, 0o600).catch(() => undefined)
    return (await readFile(path, 'utf8')).trim()
  }
}
