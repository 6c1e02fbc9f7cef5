import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import ValidationPlugin from '@pothos/plugin-validation'
import { type Issue, MAX_ISSUES, validationFailed } from '../gateway/errors.ts'
import type { Upload } from '../gateway/operation.ts'
import type PrismaTypes from '../generated/pothos.ts'
import { getDatamodel } from '../generated/pothos.ts'
import type { Context } from '../request/context.ts'
import AccessPlugin from './access-plugin.ts'
import LoadedColumnsPlugin from './loaded-columns-plugin.ts'
import RestPlugin from './rest-plugin.ts'
import { contentScalar, dateTimeScalar, jsonScalar } from './scalars.ts'

/**
 * The Pothos builder on which every module declares its types and operations. app/schema.ts builds
 * the schema.
 */
export const builder = new SchemaBuilder<{
  PrismaTypes: PrismaTypes
  Context: Context
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
    Content: { Input: Upload; Output: never }
  }
}>({
  defaultFieldNullability: false,
  plugins: [RestPlugin, AccessPlugin, LoadedColumnsPlugin, PrismaPlugin, ValidationPlugin],
  prisma: {
    client: (context) => context.db,
    dmmf: getDatamodel(),
    // Finds resolvers that load more than they were asked for. Not in production, because each check
    // makes an object that stays in memory until the next full garbage collection.
    // biome-ignore lint/style/noProcessEnv: not a setting of the server
    onUnusedQuery: process.env.NODE_ENV === 'production' ? null : 'error',
  },
  validation: {
    validationError: (failure) =>
      validationFailed(
        failure.issues.slice(0, MAX_ISSUES).map((issue): Issue => {
          const path = (issue.path ?? []).map((step) => {
            const key = typeof step === 'object' ? step.key : step
            return typeof key === 'symbol' ? String(key) : key
          })
          const { code, params } = issue as { code?: unknown; params?: { rule?: unknown } }
          const rule = params?.rule ?? (code === 'custom' ? 'invalid' : code)
          return { path, code: typeof rule === 'string' ? rule : 'invalid', message: issue.message }
        }),
      ),
  },
})

builder.queryType({ description: 'Operations that read data.' })
builder.mutationType({ description: 'Operations that change data.' })
builder.subscriptionType({ description: 'Live streams.' })
builder.addScalarType('DateTime', dateTimeScalar)
builder.addScalarType('JSON', jsonScalar)
builder.addScalarType('Content', contentScalar)
