import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import ValidationPlugin from '@pothos/plugin-validation'
import RestPlugin from '../gateway/pothos-plugin.ts'
import type { StreamedBody } from '../gateway/streamed-body.ts'
import { type Upload, uploadScalar } from '../gateway/uploads/upload.ts'
import { toValidationError } from '../gateway/validation.ts'
import type PrismaTypes from '../generated/pothos.ts'
import { getDatamodel } from '../generated/pothos.ts'
import type { Context } from '../request/context.ts'
import AccessPlugin from './access-plugin.ts'
import LoadedColumnsPlugin from './loaded-columns-plugin.ts'
import { contentScalar, dateScalar, dateTimeScalar, jsonScalar } from './scalars.ts'

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
    Date: { Input: string; Output: Date | string }
    JSON: { Input: unknown; Output: unknown }
    Upload: { Input: Upload; Output: never }
    Content: { Input: StreamedBody; Output: never }
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
  validation: { validationError: toValidationError },
})

builder.queryType({ description: 'Operations that read data.' })
builder.mutationType({ description: 'Operations that change data.' })
builder.subscriptionType({ description: 'Live streams.' })
builder.addScalarType('DateTime', dateTimeScalar)
builder.addScalarType('Date', dateScalar)
builder.addScalarType('JSON', jsonScalar)
builder.addScalarType('Upload', uploadScalar)
builder.addScalarType('Content', contentScalar)
