import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import { createGraphQLError } from 'graphql-yoga'
import type PrismaTypes from '../../../src/generated/pothos.ts'
import { getDatamodel } from '../../../src/generated/pothos.ts'
import { ApiError } from './common/errors.ts'
import { prisma } from './common/prisma-tasks.ts'
import type { Viewer } from './common/viewer.ts'

export interface Context {
  viewer: Viewer | null
}

export interface Types {
  PrismaTypes: PrismaTypes
  Context: Context
  DefaultFieldNullability: false
  Scalars: { ID: { Input: string; Output: string }; DateTime: { Input: Date; Output: Date } }
}

export function createBuilder() {
  const builder = new SchemaBuilder<Types>({
    defaultFieldNullability: false,
    plugins: [PrismaPlugin],
    prisma: { client: prisma, dmmf: getDatamodel() },
  })
  builder.scalarType('DateTime', {
    // SOFA also passes what clients send.
    serialize: (value) => new Date(value).toISOString(),
    parseValue: (value) => new Date(String(value)),
  })
  return builder
}

/** Gives the errors that clients may see their code. */
export function maskError(error: unknown): Error {
  const original = error instanceof Error && 'originalError' in error ? error.originalError : error
  const shown = error as { path?: (string | number)[] }
  if (original instanceof ApiError)
    return createGraphQLError(original.message, { path: shown.path, extensions: { code: original.code } })
  // A validation error of GraphQL itself has no original error.
  if (error instanceof Error && !original) return error
  return createGraphQLError('Unexpected error.', { extensions: { code: 'INTERNAL' } })
}
