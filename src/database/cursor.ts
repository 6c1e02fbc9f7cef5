import { AppError } from '../gateway/errors.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Type of a value that rows are ordered by. An enum sorts by its declaration, not by its letters.
 */
export type OrderType =
  | 'timestamptz'
  | 'integer'
  | 'bigint'
  | 'real'
  | 'text'
  | 'uuid'
  | { enum: string; values: readonly string[] }

/**
 * A row's place in an ordered list: the values of its order terms as PostgreSQL text, and its id.
 */
export interface Place {
  values: string[]
  id: string
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const TIMESTAMP = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?\+00$/
const INTEGER = /^(0|-?[1-9]\d{0,9})$/
const BIGINT = /^(0|[1-9]\d{0,17})$/
const REAL = /^-?\d{1,20}(\.\d{1,20})?(e[+-]\d{1,2})?$/

/** Characters. Longer than any cursor of a list here. */
const LONGEST_CURSOR = 4_000

/**
 * Returns the cursor of a place. `order` names the list and its order; the cursor works
 * in no other.
 */
export function encodePlace(order: string, place: Place): string {
  return Buffer.from(JSON.stringify([order, ...place.values, place.id])).toString('base64url')
}

/**
 * Reads a cursor. The values it returns can be cast by PostgreSQL. Throws VALIDATION_FAILED, at
 * `argument`, for anything that encodePlace does not produce for this order.
 */
export function decodePlace(
  cursor: string,
  order: string,
  types: readonly OrderType[],
  argument: 'after' | 'before',
  idType: OrderType = 'uuid',
): Place {
  const parts = parse(cursor)
  if (parts === undefined) throw refused('The cursor is invalid. Use one that a list returned.', argument)
  const [signature, ...values] = parts
  if (signature !== order)
    throw refused('The cursor belongs to another list or order. Start again without it.', argument)
  const id = values.pop()
  const valid =
    id !== undefined &&
    fits(id, idType) &&
    values.length === types.length &&
    types.every((type, index) => fits(values[index] ?? '', type))
  if (!valid) throw refused('The cursor is invalid for this list. Use one that this list returned.', argument)
  return { values, id }
}

function parse(cursor: string): string[] | undefined {
  if (cursor.length > LONGEST_CURSOR || !/^[\w-]+$/.test(cursor)) return undefined
  try {
    const parts: unknown = JSON.parse(utf8.decode(Buffer.from(cursor, 'base64url')))
    const isList = Array.isArray(parts) && parts.every((part) => typeof part === 'string')
    return isList ? parts : undefined
  } catch {
    return undefined
  }
}

function fits(value: string, type: OrderType): boolean {
  if (typeof type === 'object') return type.values.includes(value)
  switch (type) {
    case 'timestamptz':
      return value === 'infinity' || value === '-infinity' || isTimestamp(value)
    case 'integer':
      return INTEGER.test(value) && Math.abs(Number(value)) < 2 ** 31
    case 'bigint':
      return BIGINT.test(value)
    case 'real':
      return REAL.test(value) && Math.abs(Number(value)) < 3.4e38
    case 'uuid':
      return UUID.test(value)
    case 'text':
      return !value.includes('\0') && value.isWellFormed()
  }
}

/** Accepts microseconds. Rejects dates that do not exist, like 30 February. */
function isTimestamp(value: string): boolean {
  const [, date, time] = TIMESTAMP.exec(value) ?? []
  if (date === undefined || date < '0001') return false
  const parsed = new Date(`${date}T${time}Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === `${date}T${time}.000Z`
}

function refused(message: string, argument: string): AppError {
  return new AppError('VALIDATION_FAILED', message, { path: [argument] })
}
