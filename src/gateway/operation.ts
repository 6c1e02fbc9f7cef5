import type { Readable } from 'node:stream'
import type { GraphQLField } from 'graphql'
import type { GatewayContext } from './gateway-context.ts'

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
   * fields of the body. An argument of the type Upload is the whole body as a file, or the only part
   * of a form.
   */
  body?: string | readonly string[]
  /** Serves bytes that the answer describes, at a path of their own. */
  content?: RestContent
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
  /** Passes the body to an argument as a stream of bytes. */
  streamedBody?: StreamedBodyOptions
}

export interface StreamedBodyOptions {
  /** The argument, of a scalar that accepts a `StreamedBody`. */
  argument: string
  /** Media types of the body. */
  types: readonly string[]
  /** The setting with the maximum size. */
  limit: string
}

export interface DownloadOptions {
  /** Media types of the bytes. */
  types: readonly string[]
}

/**
 * A file that an operation makes while it is sent: REST sends its bytes, GraphQL its URL. A file
 * that is stored has `RestContent` instead, of which clients can ask for a part.
 */
export interface Download {
  filename: string
  contentType: string
  /** In bytes, if it is known. */
  size?: number | null
  /** Starts reading. */
  open(): AsyncIterable<Uint8Array>
}

/** Another path to an operation, whose parameters fill fields of an input. */
export interface RestAlias {
  /** Default: the method of the operation. */
  method?: HttpMethod
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

/** A path that serves the bytes behind a Query that answers with one object. */
export interface RestContent {
  /** With the parameters of the operation. */
  path: string
  /** Unique in the OpenAPI document. */
  operationId: string
  description: string
  /**
   * Returns the bytes for an answer in its default representation. The operation has run, so that
   * the caller may see them. Throws NOT_FOUND if there are none.
   */
  open(answer: Readonly<Record<string, unknown>>, context: GatewayContext): Promise<Content> | Content
}

/** Bytes that can be read in parts. */
export interface Content {
  size: number
  /** Equal for equal bytes: 22 characters or more of `A-Za-z0-9_-`. */
  tag: string
  modifiedAt: Date
  contentType: string
  filename: string
  /** Reads from the first to the last byte, both included. */
  read(first: number, last: number): Promise<Readable> | Readable
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

/**
 * Receives the files of a mutation before it runs, in the extension `receive` of its field. Checks
 * first whether the caller may send them, and keeps the result in `Upload.received`. Called for
 * requests with an idempotency key: their operation runs in one transaction, which must not wait for
 * a client.
 */
export type Receive = (args: Readonly<Record<string, unknown>>, context: GatewayContext) => Promise<void>

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
