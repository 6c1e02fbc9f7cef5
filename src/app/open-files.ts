import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v4 as randomId } from 'uuid'
import type { Config } from '../config.ts'
import type { Database } from '../database/client.ts'
import { IN_MEMORY } from '../database/embedded.ts'
import { openFolder } from '../modules/attachments/storage/folder.ts'
import type { FileStorage } from '../request/files.ts'

export interface OpenFiles {
  files: FileStorage
  close(): Promise<void>
}

/** Opens the configured storage of attachments. Files of a database in memory end with it. */
export async function openFiles({ ATTACHMENTS_DIR, DATA_DIR }: Config, db: Database): Promise<OpenFiles> {
  const id = await storeId(db)
  const isTemporary = ATTACHMENTS_DIR === undefined && DATA_DIR === IN_MEMORY
  const parent = isTemporary
    ? await mkdtemp(join(tmpdir(), 'taskwire-attachments-'))
    : attachmentsFolder({ ATTACHMENTS_DIR, DATA_DIR })
  try {
    const files = await openFolder(join(parent, id))
    return { files, close: async () => (isTemporary ? rm(parent, { recursive: true, force: true }) : undefined) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw Object.assign(new Error(`ATTACHMENTS_DIR: ${message}`, { cause: error }), { code })
  }
}

/** Returns the folder that has a folder of files for each database. */
export function attachmentsFolder({ ATTACHMENTS_DIR, DATA_DIR }: Pick<Config, 'ATTACHMENTS_DIR' | 'DATA_DIR'>): string {
  return ATTACHMENTS_DIR ?? join(DATA_DIR, 'attachments')
}

export const STORE_KIND = 'attachments'

/** Returns the name of this database's folder, made by the first server. */
async function storeId(db: Database): Promise<string> {
  const known = await db.fileStore.findUnique({ where: { kind: STORE_KIND } })
  if (known) return known.id
  await db.fileStore.createMany({ data: [{ kind: STORE_KIND, id: randomId() }], skipDuplicates: true })
  return (await db.fileStore.findUniqueOrThrow({ where: { kind: STORE_KIND } })).id
}
