import type { ServerResponse } from 'node:http'
import {
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import type { Variables } from '../variables.ts'

/**
 * Days (UTC, like 2027-01-31) on which something was deprecated and will be
 * removed. In `extensions.deprecation`.
 */
export interface Deprecation {
  since: string
  sunset?: string
}

/** A field, argument, input field or enum value: what GraphQL can deprecate. */
export interface Deprecable {
  deprecationReason?: string | null | undefined
  extensions?: unknown
}

/** Returns the dates of a deprecated element, else undefined. */
export function deprecationOf({ deprecationReason, extensions }: Deprecable): Deprecation | undefined {
  if (!deprecationReason) return undefined
  return (extensions as { deprecation?: Deprecation } | undefined)?.deprecation
}

/** Throws if anything in the schema is deprecated without dates: clients plan with them. */
export function requireDates(schema: GraphQLSchema): void {
  const wrong = Object.values(schema.getTypeMap())
    .filter((type) => !isIntrospectionType(type))
    .flatMap((type): [string, Deprecable][] => {
      if (isEnumType(type)) return type.getValues().map((value) => [`${type.name}.${value.name}`, value])
      if (isInputObjectType(type)) return named(type.name, Object.values(type.getFields()))
      if (!isObjectType(type) && !isInterfaceType(type)) return []
      const fields = Object.values(type.getFields())
      return [...named(type.name, fields), ...fields.flatMap(({ name, args }) => named(`${type.name}.${name}`, args))]
    })
    .filter(([, element]) => !hasDates(element))
    .map(([name]) => name)
  if (wrong.length === 0) return
  throw new Error(
    `${wrong.join(', ')}: a deprecationReason needs extensions.deprecation with valid dates, and the other way round. Example: {since: '2027-01-31', sunset: '2027-12-31'}; sunset is optional and must be later`,
  )
}

const named = (owner: string, elements: readonly (Deprecable & { name: string })[]): [string, Deprecable][] =>
  elements.map((element) => [`${owner}.${element.name}`, element])

/** Returns true if reason and valid dates are both present or both absent. */
export function hasDates(element: Deprecable): boolean {
  const { deprecation } = (element.extensions ?? {}) as { deprecation?: Deprecation }
  if (!element.deprecationReason || !deprecation) return !element.deprecationReason === !deprecation
  const { since, sunset } = deprecation
  return isDay(since) && (sunset === undefined || (isDay(sunset) && sunset > since))
}

const isDay = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && dayOf(text)?.toISOString().startsWith(text) === true

function dayOf(text: string): Date | undefined {
  const day = new Date(`${text}T00:00:00Z`)
  return Number.isNaN(day.getTime()) ? undefined : day
}

/** Returns true if an argument, or anything within it, is deprecated. */
export function acceptsDeprecated(arg: GraphQLArgument): boolean {
  return deprecationOf(arg) !== undefined || reaches(arg.type, new Set())
}

function reaches(type: GraphQLInputType, seen: Set<GraphQLInputType>): boolean {
  if (isNonNullType(type) || isListType(type)) return reaches(type.ofType, seen)
  if (seen.has(type)) return false
  seen.add(type)
  if (isEnumType(type)) return type.getValues().some((value) => deprecationOf(value))
  if (!isInputObjectType(type)) return false
  return Object.values(type.getFields()).some((field) => deprecationOf(field) || reaches(field.type, seen))
}

/** Returns the deprecations that a request uses. Ignores values of the wrong shape. */
export function deprecationsUsed(args: readonly GraphQLArgument[], variables: Variables): Deprecation[] {
  return args.flatMap((arg) => usedBy(arg, arg.type, variables[arg.name]))
}

function usedBy(element: Deprecable, type: GraphQLInputType, value: unknown): Deprecation[] {
  if (value === undefined) return []
  const own = deprecationOf(element)
  return [...(own ? [own] : []), ...usedWithin(type, value)]
}

function usedWithin(type: GraphQLInputType, value: unknown): Deprecation[] {
  if (isNonNullType(type)) return usedWithin(type.ofType, value)
  if (isListType(type)) return [value].flat().flatMap((one) => usedWithin(type.ofType, one))
  if (isEnumType(type)) {
    const own = deprecationOf(type.getValues().find((one) => one.name === value) ?? {})
    return own ? [own] : []
  }
  if (!isInputObjectType(type) || typeof value !== 'object' || value === null) return []
  const given = value as Readonly<Record<string, unknown>>
  return Object.values(type.getFields()).flatMap((field) => usedBy(field, field.type, given[field.name]))
}

/**
 * Sets the headers `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) with the earliest dates, and a
 * link to the documentation.
 */
export function sendDeprecations(
  response: ServerResponse,
  deprecations: readonly Deprecation[],
  basePath: string,
): void {
  const [since] = deprecations.map((one) => one.since).sort()
  if (since === undefined) return
  const [sunset] = deprecations.flatMap((one) => one.sunset ?? []).sort()
  response.setHeader('Deprecation', `@${Date.parse(since) / 1000}`)
  if (sunset) response.setHeader('Sunset', new Date(sunset).toUTCString())
  response.setHeader('Link', `<${basePath}/openapi.json>; rel="deprecation"; type="application/json"`)
}

/** Returns a sentence for the documentation. */
export function deprecationText(element: Deprecable): string | undefined {
  const { deprecationReason } = element
  const dates = deprecationOf(element)
  if (!deprecationReason || !dates) return undefined
  const removal = dates.sunset ? `, removed on ${dates.sunset}` : ''
  return `Deprecated since ${dates.since}${removal}: ${deprecationReason}`
}
