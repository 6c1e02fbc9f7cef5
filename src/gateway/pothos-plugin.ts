import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type InputShapeFromFields,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core'
import type { RestNone, RestOptions, RestStream } from './operation.ts'

// The interfaces merge only if the type parameters have the same names as Pothos's.
declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      rest: RestPlugin<Types>
    }
    export interface SchemaBuilderOptions<Types extends SchemaTypes> {
      rest?: {
        /** True if root fields need a signed-in caller unless they declare `signedIn: false`. */
        signedIn?: boolean
      }
    }
    export interface QueryFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      rest: RestOptions
      /** True if nobody else may call it, false if anybody may. Default: as the builder says. */
      signedIn?: boolean
    }
    export interface MutationFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      rest: RestOptions
      /** True if nobody else may call it, false if anybody may. Default: as the builder says. */
      signedIn?: boolean
      /**
       * True if the input or the answer contains a secret. Then neither is stored, not even
       * as a hash.
       */
      handlesSecrets?: boolean
      /** Receives the files among the arguments. See `Receive` in the gateway. */
      receive?: (args: InputShapeFromFields<Args>, context: Types['Context']) => Promise<void>
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
      /** The argument that only says where to resume. `Last-Event-ID` fills it. */
      resume?: string
      /** True if nobody else may call it, false if anybody may. Default: as the builder says. */
      signedIn?: boolean
    }
    export interface ObjectFieldOptions<
      Types extends SchemaTypes,
      ParentShape,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      /**
       * For an object-valued field. True: REST embeds it by default, without `include`. False: REST
       * never embeds it.
       */
      restEmbed?: boolean
    }
  }
}

/** Options that a root field must declare, or the schema does not build. */
const REQUIRED = ['description', 'rest'] as const

/** Kinds of the fields that are operations. */
export const ROOT_KINDS = new Set(['Query', 'Mutation', 'Subscription'])

type Options = Partial<
  Record<(typeof REQUIRED)[number] | 'restEmbed' | 'handlesSecrets' | 'resume' | 'receive' | 'signedIn', unknown>
>

/**
 * Adds the options by which fields declare their REST routes. The gateway reads them as extensions,
 * so it serves any schema that has those.
 */
class RestPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(field: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const options = field.pothosOptions as Options
    if (!ROOT_KINDS.has(field.kind)) {
      const { restEmbed } = options
      return restEmbed === undefined ? field : { ...field, extensions: { ...field.extensions, restEmbed } }
    }
    const missing = REQUIRED.filter((name) => options[name] === undefined)
    if (missing.length > 0) {
      throw new PothosSchemaError(`${field.parentType}.${field.name} does not declare ${missing.join(', ')}`)
    }
    const { rest, handlesSecrets, resume, receive, signedIn = this.builder.options.rest?.signedIn } = options
    const marks = {
      ...(signedIn === true && { requiresPrincipal: true }),
      ...(handlesSecrets ? { handlesSecrets } : {}),
      ...(resume ? { resume } : {}),
      // Another plugin may have put a check in front of it.
      ...(receive ? { receive: field.extensions?.receive ?? receive } : {}),
    }
    // One root field that fails is null. It must not take the others with it, least of all
    // mutations that have happened.
    const type = field.kind === 'Subscription' ? field.type : { ...field.type, nullable: true }
    return { ...field, type, extensions: { ...field.extensions, rest, ...marks } }
  }
}

SchemaBuilder.registerPlugin('rest', RestPlugin)

export default 'rest' as const
