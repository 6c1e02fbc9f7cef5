import { lexicographicSortSchema, printSchema } from 'graphql'
import { ASSET_HEADERS, type Asset, createAsset } from '../../gateway/http/assets.ts'
import { schema } from '../schema.ts'

export const SDL_PATH = '/schema.graphql'

/** The GraphQL schema as text, for code generators. */
export function sdlFile(): Record<string, Asset> {
  const print = async () => Buffer.from(`${printSchema(lexicographicSortSchema(schema))}\n`)
  return { [SDL_PATH]: createAsset(print, { ...ASSET_HEADERS, 'Content-Type': 'text/plain; charset=utf-8' }) }
}
