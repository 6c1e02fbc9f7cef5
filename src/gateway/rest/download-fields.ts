import { type GraphQLArgument, type GraphQLSchema, getNamedType, isLeafType } from 'graphql'
import { type Download, restOperation } from '../operation.ts'
import { camelCase, queryParameters } from './query-parameters.ts'

/** The downloads that operations have returned, by the context they ran in. */
const returned = new WeakMap<object, Download>()

/** Returns the download of the operation that ran in a context. */
export const downloadOf = (context: object): Download | undefined => returned.get(context)

/**
 * Prepares the fields that return a Download: keeps it for the REST route, and adds its `url`.
 * Changes the schema in place, before it is used.
 */
export function serveDownloads(schema: GraphQLSchema, basePath: string): GraphQLSchema {
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    const rest = restOperation(field)
    if (!rest?.download) continue
    const { resolve } = field
    const { path } = rest
    if (!resolve || path === undefined) throw new Error(`${field.name} returns a download: it needs a path`)
    field.resolve = async (parent, args, context, info) => {
      const download = (await resolve(parent, args, context, info)) as Download
      returned.set(context as object, download)
      return { ...download, url: `${basePath}${requestTarget(path, field.args, args as Values)}` }
    }
  }
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    if (restOperation(field)?.download) throw new Error(`${field.name} is a mutation: only a query can be a download`)
  }
  return schema
}

type Values = Readonly<Record<string, unknown>>

/** Returns the path and query string of a request with these arguments. */
export function requestTarget(path: string, args: readonly GraphQLArgument[], values: Values): string {
  const inPath = new Set<string>()
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    inPath.add(name)
    return encodeURIComponent(String(values[name]))
  })
  const query = new URLSearchParams(args.flatMap((arg) => (inPath.has(arg.name) ? [] : pairsOf(arg, values))))
  return query.size > 0 ? `${filled}?${query}` : filled
}

/** Spells an argument in the query string. An input with parts becomes JSON where it can. */
function pairsOf(arg: GraphQLArgument, values: Values): [string, string][] {
  const parameters = queryParameters([arg])
  const whole = parameters.filter(({ form }) => form === 'json')
  const seen = new Set<string>()
  return (whole.length > 0 ? whole : parameters).flatMap(({ name, target, form, type }): [string, string][] => {
    const value = target.reduce<unknown>((at, step) => (at as Values | null | undefined)?.[step], values)
    // Some places have two names.
    if (value === null || value === undefined || seen.has(target.join('.'))) return []
    seen.add(target.join('.'))
    if (form === 'json') return [[name, JSON.stringify(value)]]
    return [value].flat().map((one): [string, string] => [name, form === 'order' ? orderOf(one) : textOf(one, type)])
  })
}

function orderOf(term: unknown): string {
  const { field, direction } = term as { field: string; direction: string }
  return `${camelCase(field)}:${direction.toLowerCase()}`
}

function textOf(value: unknown, type: Parameters<typeof getNamedType>[0]): string {
  const named = getNamedType(type)
  return String(isLeafType(named) ? named.serialize(value) : value)
}
