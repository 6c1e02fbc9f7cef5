import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core'
import type { RestNone, RestOptions, RestStream } from '../gateway/operation.ts'

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
    const { rest, authScopes, handlesSecrets, resume } = options
    const isPublic = (authScopes as { public?: boolean }).public === true
    const marks = {
      ...(!isPublic && { requiresPrincipal: true }),
      ...(handlesSecrets ? { handlesSecrets } : {}),
      ...(resume ? { resume } : {}),
    }
    return { ...field, extensions: { ...field.extensions, rest, ...marks } }
  }
}

SchemaBuilder.registerPlugin('rest', RestPlugin)

export default 'rest' as const
