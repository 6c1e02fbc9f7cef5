/** Checks values that a client of Prisma gives, and reads those that SQL returns as JSON. */
import { parseTimestamp } from '../timestamps.ts'
import type { Column } from './models.ts'
import { Uncovered } from './uncovered.ts'

/** Makes the values of a column from JSON that Prisma returns as objects. */
const FROM_JSON: Record<string, (text: string) => unknown> = { DateTime: parseTimestamp, BigInt }

export function columnReader(
  { name, type }: Column,
  index: number,
): (row: unknown[], object: Record<string, unknown>) => void {
  if (type === 'Bytes' || type === 'Decimal') throw new Uncovered(`the type ${type}`)
  const convert = FROM_JSON[type]
  if (!convert) {
    return (row, object) => {
      object[name] = row[index]
    }
  }
  return (row, object) => {
    const value = row[index]
    object[name] = value === null ? null : convert(value as string)
  }
}

/** JavaScript types of values by Prisma's type. Enums are strings. */
export function hasType(value: unknown, prismaType: string): boolean {
  switch (prismaType) {
    case 'Int':
      return Number.isInteger(value)
    case 'BigInt':
      return typeof value === 'bigint' || Number.isInteger(value)
    case 'Boolean':
      return typeof value === 'boolean'
    case 'DateTime':
      return value instanceof Date && !Number.isNaN(value.getTime())
    case 'Bytes':
      return value instanceof Uint8Array
    default:
      return typeof value === 'string'
  }
}

/** Returns a value to store in a column. */
export function storable({ name, type, isList, isRequired }: Column, value: unknown): unknown {
  const fits = type === 'Json' ? isOperators : (one: unknown) => type !== 'Bytes' && hasType(one, type)
  const isStorable = isList ? Array.isArray(value) && value.every(fits) : value === null ? !isRequired : fits(value)
  if (!isStorable) throw new Uncovered(`a value of ${name}`)
  return value
}

export function isOperators(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

export const isValue = (value: unknown) => value !== undefined && value !== null
