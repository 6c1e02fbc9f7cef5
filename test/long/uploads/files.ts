import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { rest } from '../../support/clients.ts'
import type { World } from '../../support/world.ts'

/** Returns the paths of the files in the storage of a server, relative to it. */
export function storedPaths({ settings }: World): string[] {
  const root = settings.ATTACHMENTS_DIR ?? ''
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath.slice(root.length + 1), name))
}

export async function newTaskPath({ server, owner }: World): Promise<string> {
  const { body } = await rest(server, 'POST /tasks', { token: owner.token, body: { title: 'With files' } })
  return `/tasks/${body.id}/attachments`
}

/** Returns the number of attachments that the server lists. */
export async function countOf({ server, owner }: World, path: string): Promise<number> {
  const { body } = await rest(server, `GET ${path}?limit=1&include=totalCount`, owner)
  return body.totalCount
}
