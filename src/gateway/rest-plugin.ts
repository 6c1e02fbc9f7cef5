import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core'

/** How REST shows an operation. Copied to `field.extensions.rest`, where the REST view finds it. */
export interface RestOperation {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Under the base path, parameters like `/things/{id}`. Unset: SOFA's own convention. */
  path?: string
  /** Status of success; 200 unless told, 204 sends no body. */
  status?: 200 | 201 | 202 | 204
  /** The argument whose fields are the flat JSON body; or the arguments that are the fields of the body themselves. */
  body?: string | readonly string[]
  /** Takes bodies up to the larger of the two limits. */
  large?: true
  /** More paths to the same operation. */
  also?: readonly RestAlias[]
  /** Path of what was created, from the answer (of which `id` is always there) and the arguments. */
  location?: (answer: Readonly<Record<string, unknown>>, args: Readonly<Record<string, unknown>>) => string
  /** An answer that is no object is sent as one, under this name. */
  key?: string
  /** OpenAPI tag. */
  tag?: string
}

/** Another path to an operation, of the same method, where the path says what an input would. */
export interface RestAlias {
  path: string
  /** Unlike any other in the OpenAPI document. */
  operationId: string
  /** For each parameter of the path, the place among the arguments that it fills, like `["filter", "projectId"]`. */
  fills: Readonly<Record<string, readonly string[]>>
  /** Of a path that another one has taken the place of: why, and the days (UTC, like 2027-01-31) since when and until when it is there. */
  deprecated?: { reason: string; since: string; sunset?: string }
}

/** A Subscription served as Server-Sent Events. */
export interface RestStream {
  stream: true
  path: string
  /** The answer's fields that become the event's `id:` and `event:` lines. */
  id: string
  event: string
  tag?: string
}

/** GraphQL only, with the reason. */
export interface RestNone {
  none: string
}

export type RestOptions = RestOperation | RestNone

export function isRestNone(rest: RestOptions | RestStream): rest is RestNone {
  return 'none' in rest
}

// The type parameters have to be Pothos's own, name by name, for the interfaces to merge.
declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      rest: RestPlugin<Types>
    }
    export interface QueryFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      rest: RestOptions
    }
    export interface MutationFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      rest: RestOptions
      /** The input or the answer has a secret in it: neither is kept, not even as a hash. */
      handlesSecrets?: boolean
    }
    export interface SubscriptionFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveShape,
      ResolveReturnShape,
    > {
      rest: RestStream | RestNone
      /** The argument that says where to begin, and decides nothing else: what `Last-Event-ID` fills. */
      resume?: string
    }
    export interface ObjectFieldOptions<
      Types extends SchemaTypes,
      ParentShape,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      /** On an object-valued field: REST embeds it by default instead of leaving it to `include`. */
      restEmbed?: boolean
    }
  }
}

/** Options a root field has to declare; a missing one stops the schema build. Deny by default rests on `authScopes` being here. */
const REQUIRED = ['description', 'authScopes', 'rest'] as const

const ROOT_KINDS = new Set(['Query', 'Mutation', 'Subscription'])

class RestPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(field: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const options = field.pothosOptions as Partial<
      Record<(typeof REQUIRED)[number] | 'restEmbed' | 'handlesSecrets' | 'resume', unknown>
    >
    if (!ROOT_KINDS.has(field.kind)) {
      return options.restEmbed ? { ...field, extensions: { ...field.extensions, restEmbed: true } } : field
    }
    const missing = REQUIRED.filter((name) => options[name] === undefined)
    if (missing.length > 0) {
      throw new PothosSchemaError(`${field.parentType}.${field.name} does not declare ${missing.join(', ')}`)
    }
    const { rest, handlesSecrets, resume } = options
    const marks = { ...(handlesSecrets ? { handlesSecrets } : {}), ...(resume ? { resume } : {}) }
    return { ...field, extensions: { ...field.extensions, rest, ...marks } }
  }
}

SchemaBuilder.registerPlugin('rest', RestPlugin)

export default 'rest' as const
