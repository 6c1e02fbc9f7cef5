import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { MapperKind, mapSchema } from '@graphql-tools/utils'
import { type DocumentNode, GraphQLObjectType, GraphQLScalarType, type GraphQLSchema, Kind, printSchema } from 'graphql'
import type { createSofa } from 'sofa-api'
import type { HttpMethod } from '../operation.ts'

/** A root field as SOFA serves it. */
export interface SofaRoute {
  method: HttpMethod
  /** With parameters as `{id}`. */
  path: string
  /** Every argument is a variable, every field is selected. */
  document: DocumentNode
}

type SofaOptions = Parameters<typeof createSofa>[0]
export type SofaOverrides = NonNullable<SofaOptions['routes']>

/** Any host works: SOFA's router is called in this process. */
const ORIGIN = 'http://sofa.invalid'
/** Value of every path parameter. Each scalar can serialize it. */
const ANY_VALUE = '1'
const PARAMETER = /\{\w+\}/g

/**
 * Returns the routes that SOFA derives from a schema. Keeps them in the folder, because SOFA is
 * large: loading and asking it takes a fifth of a start. A different schema, different overrides
 * and another version of SOFA have a file of their own there. Works without a writable folder.
 */
export async function sofaRoutes(
  schema: GraphQLSchema,
  overrides: SofaOverrides,
  folder: string | undefined,
): Promise<SofaRoute[]> {
  if (folder === undefined) return askSofa(schema, overrides)
  const file = join(folder, `routes-${fingerprint(schema, overrides)}.json`)
  const kept = await readFile(file, 'utf8')
    .then(JSON.parse)
    .catch(() => undefined)
  if (kept) return kept as SofaRoute[]
  const routes = await askSofa(schema, overrides)
  await keep(folder, file, JSON.stringify(routes)).catch(() => undefined)
  return routes
}

function fingerprint(schema: GraphQLSchema, overrides: SofaOverrides): string {
  const { version } = createRequire(import.meta.url)('sofa-api/package.json') as { version: string }
  return createHash('sha256')
    .update(JSON.stringify([version, overrides, printSchema(schema)]))
    .digest('hex')
    .slice(0, 32)
}

/** Replaces the files of earlier schemas. Of servers that start together, the last rename wins. */
async function keep(folder: string, file: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) if (name.startsWith('routes-')) await rm(join(folder, name))
  const unfinished = `${file}.${process.pid}`
  await writeFile(unfinished, text)
  await rename(unfinished, file)
}

/**
 * SOFA serves no request: each of its routes is called once, to get the document it would execute.
 */
async function askSofa(schema: GraphQLSchema, routes: SofaOverrides): Promise<SofaRoute[]> {
  const { useSofa } = await import('sofa-api')
  let executed: DocumentNode | undefined
  const router = useSofa({
    schema: simplified(schema),
    basePath: '/',
    routes,
    execute: ({ document }) => {
      executed = document
      return { data: {} }
    },
  })
  const found: SofaRoute[] = []
  // SOFA's webhook routes have no schemas, so its document does not list them.
  for (const [path, item] of Object.entries(router.openAPIDocument.paths ?? {})) {
    for (const method of Object.keys(item as object).map((name) => name.toUpperCase() as HttpMethod)) {
      executed = undefined
      await router.fetch(`${ORIGIN}${path.replace(PARAMETER, ANY_VALUE)}`, { method })
      if (!executed) throw new Error(`SOFA derived no operation for ${method} ${path}`)
      found.push({ method, path, document: executed })
    }
  }
  return found
}

/**
 * Lets SOFA pass values of custom scalars through: only the document of an operation matters. Gives
 * types an empty definition, in which SOFA finds no descriptions. Without one, it prints and parses
 * Query or Mutation for each argument.
 */
function simplified(schema: GraphQLSchema): GraphQLSchema {
  return mapSchema(schema, {
    [MapperKind.SCALAR_TYPE]: (type) => new GraphQLScalarType({ ...type.toConfig(), serialize: (value) => value }),
    [MapperKind.ROOT_OBJECT]: (type) =>
      new GraphQLObjectType({
        ...type.toConfig(),
        astNode: { kind: Kind.OBJECT_TYPE_DEFINITION, name: { kind: Kind.NAME, value: type.name }, fields: [] },
      }),
  })
}
