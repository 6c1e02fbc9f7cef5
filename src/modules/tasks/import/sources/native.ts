import { type FileRow, IGNORED, isField } from '../row.ts'

/** Reads an object with the fields of an export. Other fields are named in a warning. */
export function nativeRow(line: number, item: unknown): FileRow {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return { line, values: {}, problem: 'must be a JSON object' }
  }
  const entries = Object.entries(item)
  const values = Object.fromEntries(entries.filter(([name]) => isField(name)))
  const unknown = entries.flatMap(([name]) => (isField(name) || IGNORED.has(name) ? [] : [name.slice(0, 50)]))
  return {
    line,
    values,
    ref: refOf(values.key),
    parentRef: refOf(values.parentKey),
    ...(unknown.length > 0 && { warnings: [`unknown fields: ${unknown.slice(0, 20).join(', ')}`] }),
  }
}

/** Keys mean the same in any case. */
export const refOf = (key: unknown): string | undefined =>
  typeof key === 'string' && key.trim() !== '' ? key.trim().toUpperCase() : undefined
