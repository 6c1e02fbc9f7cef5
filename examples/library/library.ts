import { readFile } from 'node:fs/promises'
import {
  createAsset,
  createGateway,
  type Gateway,
  type GatewayLog,
  serveAssets,
  unauthenticated,
} from '../../src/gateway/library/exports.ts'
import { builder } from './builder.ts'
import { FileStore, UPLOAD_LIMITS } from './files.ts'
import { pictures } from './pictures.ts'
import './schema.ts'
import { Books } from './store.ts'

export interface LibraryOptions {
  /** Where uploads are kept. */
  folder: string
  /** The Bearer token of the librarian, who may also upload through GraphQL. */
  token: string
  log?: GatewayLog
}

const schema = builder.toSchema({ sortSchema: false })

/** Files by path. Nothing else in the folder is served. */
const STATIC: Readonly<Record<string, { file: string; type: string }>> = {
  '/static': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/static/library.css': { file: 'library.css', type: 'text/css; charset=utf-8' },
}

/** Creates a library that does not listen yet. */
export async function createLibrary({ folder, token, ...options }: LibraryOptions): Promise<Gateway> {
  const books = new Books()
  const files = new FileStore(folder)
  const assets = serveAssets(
    Object.fromEntries(
      Object.entries(STATIC).map(([path, { file, type }]) => [
        path,
        createAsset(() => readFile(new URL(`static/${file}`, import.meta.url)), {
          'Content-Type': type,
          'Cache-Control': 'no-cache',
        }),
      ]),
    ),
  )
  return createGateway({
    schema,
    context: () => ({ books, files }),
    authenticate({ headers: { authorization } }) {
      if (authorization === undefined) return null
      if (authorization === `Bearer ${token}`) return { id: 'librarian' }
      throw unauthenticated('This token is unknown.')
    },
    streamLimits: UPLOAD_LIMITS,
    extra: [pictures],
    routes: { '/static': assets, '/static/*': assets },
    info: {
      title: 'Library',
      version: '1.0.0',
      description: 'Books with covers and pictures. GraphQL at `/graphql` has the same operations.',
      contact: { name: 'The operator of this library' },
      license: { name: 'MIT', identifier: 'MIT' },
      id: { format: 'uuid', minLength: 36, maxLength: 36 },
      securitySchemes: {},
      security: () => [{}],
    },
    ...options,
  })
}
