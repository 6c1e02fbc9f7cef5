import { getNamedType, isObjectType } from 'graphql'
import type { Route } from '../rest/routes.ts'
import { type OpenApiInfo, tagOf } from './operations.ts'

/** Orders tags: first those that the application describes, in its order, then the others by name. */
export function orderTags(tags: Iterable<string>, info: OpenApiInfo): string[] {
  const described = Object.keys(info.tags ?? {})
  const place = (name: string) => (described.includes(name) ? described.indexOf(name) : described.length)
  return [...tags].sort().sort((a, b) => place(a) - place(b))
}

/** Describes a tag: as the application says, else by the type that its operations return. */
export function describeTag(
  name: string,
  info: OpenApiInfo,
  routes: readonly Route[],
): { name: string; description?: string } {
  const description = info.tags?.[name] ?? routes.filter((route) => tagOf(route) === name).flatMap(typeDescription)[0]
  return { name, ...(description && { description }) }
}

/** Returns the description of the returned type, or of the items of a returned list. */
function typeDescription({ field }: Route): string[] {
  const returned = getNamedType(field.type)
  const nodes = isObjectType(returned) ? returned.getFields().nodes : undefined
  const { description } = nodes ? getNamedType(nodes.type) : returned
  return description ? [description] : []
}
