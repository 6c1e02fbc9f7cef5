import type { GraphQLField } from 'graphql'

/**
 * How an application declares operations to the gateway: the extensions of root fields, and how to
 * read them.
 */

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** How REST serves a Query or Mutation field. In `field.extensions.rest`. */
export interface RestOperation {
  method?: HttpMethod
  /**
   * Under the base path, with parameters like `/things/{id}`. Default: SOFA's naming convention.
   */
  path?: string
  /** Status of success. Default 200; 204 sends no body. */
  status?: 200 | 201 | 202 | 204
  /**
   * The argument whose fields are the flat JSON body, or the arguments that are themselves the
   * fields of the body.
   */
  body?: string | readonly string[]
  /** Accepts bodies up to the higher of the two limits, and sends larger answers. */
  large?: true
  /** More paths to the same operation. */
  also?: readonly RestAlias[]
  /**
   * Returns the path of what was created, from the answer (which always has its `id`)
   * and the arguments.
   */
  location?: (answer: Readonly<Record<string, unknown>>, args: Readonly<Record<string, unknown>>) => string
  /** Wraps an answer that is not an object in one, under this name. */
  key?: string
  /** OpenAPI tag. */
  tag?: string
  /** Sends the bytes of the `Download` that a Query returns. GraphQL returns their URL. */
  download?: DownloadOptions
}

/** Stands for any media type in the declaration of a download. */
export const ANY_TYPE = 'application/octet-stream'

export interface DownloadOptions {
  /** Media types of the bytes. ANY_TYPE stands for any. */
  types: readonly string[]
  /** True if clients may ask for a part of the bytes. Their size and ETag are then known. */
  ranges?: true
}

/** A file that an operation returns: REST sends its bytes, GraphQL its URL. */
export interface Download {
  filename: string
  contentType: string
  /** In bytes, if it is known. */
  size?: number | null
  /** A strong ETag with its quotes: it must change with the bytes. */
  entityTag?: string
  /** Displayed by a browser instead of saved. */
  inline?: true
  /** More headers of the answer. */
  headers?: Readonly<Record<string, string>>
  /** Starts reading, all bytes or those from `start` to `end`, both included. */
  open(range?: ByteRange): AsyncIterable<Uint8Array>
}

export interface ByteRange {
  start: number
  end: number
}

/** Another path to an operation, with the same method, whose parameters fill fields of an input. */
export interface RestAlias {
  path: string
  /** Unique in the OpenAPI document. */
  operationId: string
  /**
   * For each path parameter, the place among the arguments that it fills,
   * like `["filter", "projectId"]`.
   */
  fills: Readonly<Record<string, readonly string[]>>
  /** Marks a replaced path as deprecated, with the reason and the dates (UTC), like 2027-01-31. */
  deprecated?: { reason: string; since: string; sunset?: string }
}

/** A Subscription served as Server-Sent Events. */
export interface RestStream {
  stream: true
  path: string
  /** The answer's fields that become the `id:` and `event:` lines. */
  id: string
  event: string
  tag?: string
}

/** An operation that only GraphQL serves, with the reason. */
export interface RestNone {
  none: string
}

export type RestOptions = RestOperation | RestNone

/** Anything with extensions: a field of the schema, or its configuration. */
interface Extended {
  extensions?: unknown
}

export function isRestNone(rest: RestOptions | RestStream): rest is RestNone {
  return 'none' in rest
}

/**
 * Returns the REST declaration of a Query or Mutation field; undefined if only GraphQL serves it.
 */
export function restOperation({ extensions }: Extended): RestOperation | undefined {
  const rest = (extensions as { rest?: RestOptions | RestStream } | undefined)?.rest
  return rest === undefined || isRestNone(rest) || 'stream' in rest ? undefined : rest
}

/** Returns the SSE declaration of a Subscription field. */
export function restStream({ extensions }: Extended): RestStream | undefined {
  const rest = (extensions as { rest?: RestOptions | RestStream } | undefined)?.rest
  return rest !== undefined && 'stream' in rest ? rest : undefined
}

/**
 * Returns true if a root field has the extension `requiresPrincipal`, which marks it as not public:
 * nothing of a request for it is validated before authentication.
 */
export function requiresPrincipal({ extensions }: Extended): boolean {
  return (extensions as { requiresPrincipal?: boolean } | undefined)?.requiresPrincipal === true
}

/** Returns the name of a Subscription's argument that only says where to resume. */
export function resumeArgument({ extensions }: Extended): string | undefined {
  return (extensions as { resume?: string } | undefined)?.resume
}

/** Limits of one operation, checked before it runs. Errors name the setting of a limit. */
export interface CostLimits {
  /** Fields of the answer, if each list has as many items as it can. COMPLEXITY_LIMIT. */
  complexity: number
  /** Levels of fields. */
  depth: number
  /** Fields of the operation. */
  breadth: number
  /** Fields at the first level, which each load something. ROOT_FIELD_LIMIT. */
  rootFields: number
  /** Returns how many items a field can have: 1 if it is no list of its own. */
  itemsOf: ItemsOf
}

/** Limits of an answer, checked while it is made. */
export interface AnswerLimits {
  /** Objects, list items that are objects included. ANSWER_OBJECT_LIMIT. */
  objects: number
  /** Bytes of JSON. ANSWER_LIMIT. */
  bytes: number
}

/** Factor on the limits of variables and answers, for operations that accept large bodies. */
export const LARGE = 10

export const DEFAULT_ANSWER_LIMITS: AnswerLimits = { objects: 20_000, bytes: 4_194_304 }

/** Returns the maximum number of items of a field, or how to read it from the arguments. */
export type ItemsOf = (field: GraphQLField<unknown, unknown>) => number | ((args: Record<string, unknown>) => number)

const PROPERTY = Symbol('property')

/**
 * Marks a resolver that returns a property of the object, if it is not undefined, so that execution
 * can read it without a call. The property is neither a promise nor an error.
 */
export function readsProperty<Resolver extends object>(resolver: Resolver, property: string): Resolver {
  return Object.assign(resolver, { [PROPERTY]: property })
}

/** Returns the property that a resolver returns. */
export function propertyOf(resolver: object): string | undefined {
  return (resolver as { [PROPERTY]?: string })[PROPERTY]
}
