import SchemaBuilder from '@pothos/core'
import ValidationPlugin from '@pothos/plugin-validation'
import { type Caller, type CallerContext, RestPlugin, toValidationError } from '../../src/gateway/library/exports.ts'
import type { Shop } from './store.ts'

export interface ShopCaller extends Caller {
  isAdmin: boolean
}

export interface ShopContext extends CallerContext<ShopCaller> {
  shop: Shop
}

export const builder = new SchemaBuilder<{
  Context: ShopContext
  DefaultFieldNullability: false
  Scalars: { ID: { Input: string; Output: string }; DateTime: { Input: Date; Output: Date } }
}>({
  defaultFieldNullability: false,
  plugins: [RestPlugin, ValidationPlugin],
  validation: { validationError: toValidationError },
})

builder.queryType({})
builder.mutationType({})
builder.subscriptionType({})

builder.scalarType('DateTime', {
  description: 'A time in UTC, like 2030-01-31T17:00:00.000Z.',
  serialize: (date) => date.toISOString(),
  extensions: { jsonSchema: { type: 'string', format: 'date-time' } },
})
