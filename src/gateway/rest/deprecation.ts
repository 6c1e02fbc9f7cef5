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
import type { Variables } from '../engine.ts'

/** When something stopped being recommended, and when it will be gone; days (UTC) like 2027-01-31. Stands in `extensions.deprecation`. */
export interface Deprecation {
  since: string
  sunset?: string
}

/** What GraphQL can deprecate: a field, an argument, a field of an input, a value of an enum. */
export interface Deprecable {
  deprecationReason?: string | null | undefined
  extensions?: unknown
}

/** The dates of what is deprecated; undefined for all else. */
export function deprecationOf({ deprecationReason, extensions }: Deprecable): Deprecation | undefined {
  if (!deprecationReason) return undefined
  return (extensions as { deprecation?: Deprecation } | undefined)?.deprecation
}

/** Refuses a schema that deprecates something without saying since when: clients are told the dates, and plan by them. */
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
    `${wrong.join(', ')}: what has a deprecationReason, and nothing else, has extensions.deprecation as in {since: '2027-01-31', sunset: '2027-12-31'}, the sunset (which may be absent) being the later one`,
  )
}

const named = (owner: string, elements: readonly (Deprecable & { name: string })[]): [string, Deprecable][] =>
  elements.map((element) => [`${owner}.${element.name}`, element])

/** Whether both, or neither, are there: the reason, and days that can be. */
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

/** Whether an argument is deprecated, or takes something that is. */
export function takesDeprecated(arg: GraphQLArgument): boolean {
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

/** What is deprecated of that which a request says; values of a wrong shape are of no interest. */
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

/** Tells of the first to be deprecated and of the first to be gone, by RFC 9745 and RFC 8594; where more is to be read, too. */
export function tellDeprecations(
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

/** A sentence for the documentation. */
export function deprecationText(element: Deprecable): string | undefined {
  const { deprecationReason } = element
  const dates = deprecationOf(element)
  if (!deprecationReason || !dates) return undefined
  const gone = dates.sunset ? `, and gone on ${dates.sunset}` : ''
  return `Deprecated since ${dates.since}${gone}: ${deprecationReason}`
}
