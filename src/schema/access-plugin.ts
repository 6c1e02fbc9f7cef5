import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type PothosOutputFieldConfig,
  PothosSchemaError,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core'
import type { GraphQLFieldResolver } from 'graphql'
import type { Receive } from '../gateway/operation.ts'
import { ROOT_KINDS } from '../gateway/pothos-plugin.ts'
import type { Access } from '../request/access.ts'
import type { Context } from '../request/context.ts'
import { requireAccess } from '../request/viewer.ts'

// The interfaces merge only if the type parameters have the same names as Pothos's.
declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      access: AccessPlugin<Types>
    }
    export interface FieldOptions<
      Types extends SchemaTypes,
      ParentShape,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveShape,
      ResolveReturnShape,
    > {
      access?: Access
    }
  }
}

/** Returns who may use a field, as its declaration says. */
export function accessOf({ pothosOptions }: { pothosOptions?: unknown }): Access | undefined {
  return (pothosOptions as { access?: Access } | undefined)?.access
}

/**
 * Checks the `access` of a field before it resolves; that of a Subscription before it starts. A root
 * field without `access` stops the schema build: access is denied by default.
 */
class AccessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override onOutputFieldConfig(field: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    if (!ROOT_KINDS.has(field.kind)) return field
    const access = accessOf(field)
    if (!access) throw new PothosSchemaError(`${field.parentType}.${field.name} does not declare access`)
    const { receive } = field.pothosOptions as { receive?: Receive }
    const marks = {
      ...(receive && { receive: guardedReceive(receive, access) }),
      ...(!('public' in access) && { requiresPrincipal: true }),
      ...('scope' in access && access.scope === 'tasks:write' && { keepsViewers: true }),
    }
    return { ...field, extensions: { ...field.extensions, ...marks } }
  }

  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    field: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    return field.kind === 'Subscription' ? resolver : guarded(resolver, accessOf(field))
  }

  override wrapSubscribe(
    subscribe: GraphQLFieldResolver<unknown, Types['Context'], object> | undefined,
    field: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> | undefined {
    return subscribe && guarded(subscribe, accessOf(field))
  }
}

/** Checks the `access` of a field also before it receives files. */
function guardedReceive(receive: Receive, access: Access): Receive {
  return (args, context) => {
    requireAccess(context as Context, access)
    return receive(args, context)
  }
}

function guarded<Value>(
  resolver: GraphQLFieldResolver<unknown, Value, object>,
  access: Access | undefined,
): GraphQLFieldResolver<unknown, Value, object> {
  if (!access || 'public' in access) return resolver
  return (parent, args, context, info) => {
    requireAccess(context as Context, access)
    ;(context as Context).grants?.useAccess(access)
    return resolver(parent, args, context, info)
  }
}

SchemaBuilder.registerPlugin('access', AccessPlugin)

export default 'access' as const
