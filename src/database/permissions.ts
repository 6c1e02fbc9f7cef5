import { chmodSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = 0o700
const FILE = 0o600
const STICKY = 0o1000

/** Number of files and folders whose permissions were corrected, and of those that could not be. */
export interface Corrections {
  corrected: number
  failed: number
}

/**
 * Makes a folder and everything in it accessible to its owner only, whatever created it. Does not
 * follow links.
 */
export function restrictTree(folder: string): Corrections {
  const corrections = { corrected: 0, failed: 0 }
  restrict(folder, corrections)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    restrict(join(entry.parentPath, entry.name), corrections)
  }
  return corrections
}

/**
 * Does the same to a folder without its contents. Leaves a folder that is meant to be shared, like
 * /tmp.
 */
export function restrictFolder(folder: string): Corrections {
  const corrections = { corrected: 0, failed: 0 }
  if ((lstatSync(folder).mode & STICKY) === 0) restrict(folder, corrections)
  return corrections
}

function restrict(path: string, corrections: Corrections): void {
  try {
    const found = lstatSync(path)
    if (!found.isDirectory() && !found.isFile()) return
    const wanted = found.isDirectory() ? FOLDER : FILE
    if ((found.mode & 0o777) === wanted) return
    chmodSync(path, wanted)
    corrections.corrected++
  } catch (error) {
    // PostgreSQL removes temporary files at its start.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') corrections.failed++
  }
}
