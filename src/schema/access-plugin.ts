import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type PothosOutputFieldConfig,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core'
import type { GraphQLFieldResolver } from 'graphql'
import type { ApiScope } from '../auth/scopes.ts'
import { AppError, unauthenticated } from '../gateway/errors.ts'
import type { Context } from '../request/context.ts'
import { hasScope } from '../request/viewer.ts'

/** Who may use a field. */
export type Access =
  /** Anyone, signed in or not. */
  | { public: true }
  /** A signed-in user. */
  | { signedIn: true }
  /** A signed-in user, or an API key with this scope. */
  | { scope: ApiScope }
  /** A signed-in user. Operations on the account itself do not accept API keys. */
  | { person: true }
  /** An ADMIN of the instance. An ADMIN's API key needs the scope `admin`. */
  | { admin: true }

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

/** Checks the `access` of a field before it resolves; that of a Subscription before it starts. */
class AccessPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
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

function guarded<Value>(
  resolver: GraphQLFieldResolver<unknown, Value, object>,
  access: Access | undefined,
): GraphQLFieldResolver<unknown, Value, object> {
  if (!access || 'public' in access) return resolver
  return (parent, args, context, info) => {
    requireAccess(context as Context, access)
    return resolver(parent, args, context, info)
  }
}

function requireAccess({ viewer, credentialProblem }: Context, access: Access): void {
  if (!viewer) throw unauthenticated(credentialProblem)
  const refuse = (message: string) => new AppError('FORBIDDEN', message)
  if ('scope' in access && !hasScope(viewer, access.scope))
    throw refuse(`This API key does not have the scope ${access.scope}.`)
  if ('person' in access && viewer.scopes !== null) throw refuse('API keys cannot do this. Use an access token.')
  if (!('admin' in access) || viewer.role === 'ADMIN') return
  const isKeyWithout = viewer.scopes !== null && !viewer.scopes.has('admin')
  throw refuse(isKeyWithout ? 'This API key does not have the scope admin.' : 'Only an ADMIN can do this.')
}

SchemaBuilder.registerPlugin('access', AccessPlugin)

export default 'access' as const
