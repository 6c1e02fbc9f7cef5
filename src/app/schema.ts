import { readdirSync } from 'node:fs'
import type { GraphQLSchema } from 'graphql'
import { serveDownloads } from '../gateway/rest/download-fields.ts'
import { nameTwins } from '../gateway/rest/twins.ts'
import { builder } from '../schema/builder.ts'
import { requireBoundedLists } from '../schema/complexity.ts'
import { REST_BASE } from './rest-api.ts'

/** Every folder of modules is part of the API: its schema.ts declares types and operations. */
const modules = new URL('../modules/', import.meta.url)
for (const name of readdirSync(modules).sort()) await import(new URL(`${name}/schema.ts`, modules).href)

/** The schema that every protocol is served from. */
export const schema: GraphQLSchema = serveDownloads(
  nameTwins(requireBoundedLists(builder.toSchema({ sortSchema: false })), REST_BASE),
  REST_BASE,
)
