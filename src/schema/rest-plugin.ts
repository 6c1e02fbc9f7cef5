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
import type { ApiScope } from '../auth/scopes.ts'
import type { Receive, RestNone, RestOptions, RestStream } from '../gateway/operation.ts'
import type { Access } from '../request/access.ts'
import type { Context } from '../request/context.ts'
import { requireAccess } from '../request/viewer.ts'

// The interfaces merge only if the type parameters have the same names as Pothos's.
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
    }
    export interface ObjectFieldOptions<
      Types extends SchemaTypes,
      ParentShape,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      /** For an object-valued field: REST embeds it by default, without `include`. */
      restEmbed?: boolean
    }
  }
}

/**
 * Options that a root field must declare, or the schema does not build. With `access` among
 * them, access is denied by default.
 */
const REQUIRED = ['description', 'access', 'rest'] as const

const ROOT_KINDS = new Set(['Query', 'Mutation', 'Subscription'])

class RestPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(field: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const options = field.pothosOptions as Partial<
      Record<(typeof REQUIRED)[number] | 'restEmbed' | 'handlesSecrets' | 'resume' | 'receive', unknown>
    >
    if (!ROOT_KINDS.has(field.kind)) {
      return options.restEmbed ? { ...field, extensions: { ...field.extensions, restEmbed: true } } : field
    }
    const missing = REQUIRED.filter((name) => options[name] === undefined)
    if (missing.length > 0) {
      throw new PothosSchemaError(`${field.parentType}.${field.name} does not declare ${missing.join(', ')}`)
    }
    const { rest, access, handlesSecrets, resume, receive } = options
    const { public: isPublic, scope } = access as { public?: boolean; scope?: ApiScope }
    const marks = {
      ...(!isPublic && { requiresPrincipal: true }),
      ...(handlesSecrets ? { handlesSecrets } : {}),
      ...(resume ? { resume } : {}),
      ...(receive ? { receive: guardedReceive(receive as Receive, access as Access) } : {}),
      ...(scope === 'tasks:write' ? { keepsViewers: true } : {}),
    }
    // One root field that fails is null. It must not take the others with it, least of all
    // mutations that have happened.
    const type = field.kind === 'Subscription' ? field.type : { ...field.type, nullable: true }
    return { ...field, type, extensions: { ...field.extensions, rest, ...marks } }
  }
}

/** Checks the `access` of a field also before it receives files. */
function guardedReceive(receive: Receive, access: Access): Receive {
  return (args, context) => {
    requireAccess(context as Context, access)
    return receive(args, context)
  }
}

SchemaBuilder.registerPlugin('rest', RestPlugin)

export default 'rest' as const
