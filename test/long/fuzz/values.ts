import type { Random } from '../../support/random.ts'
import { hostileValue } from './hostile.ts'

export type Schema = Record<string, unknown>

/** Schemas that a `$ref` can name, and ids that exist. */
export interface KnownValues {
  components: Record<string, Schema>
  ids: readonly string[]
}

/** Draws a value that matches the schema, sometimes with a hostile value somewhere inside. */
export function drawValue(schema: Schema | undefined, known: KnownValues, random: Random, depth = 0): unknown {
  if (!schema || depth > 6 || random.chance(0.03)) return hostileValue(random)
  if (typeof schema.$ref === 'string') {
    return drawValue(known.components[schema.$ref.split('/').at(-1) ?? ''], known, random, depth + 1)
  }
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined
  if (choices) return drawValue(random.pick(choices), known, random, depth + 1)
  if (Array.isArray(schema.enum)) return random.pick(schema.enum)
  if (schema.const !== undefined) return schema.const
  const type = Array.isArray(schema.type) ? random.pick(schema.type as string[]) : schema.type
  switch (type) {
    case 'null':
      return null
    case 'boolean':
      return random.chance(0.5)
    case 'integer':
    case 'number': {
      const least = Number(schema.minimum ?? 0)
      return least + random.below(Math.min(Number(schema.maximum ?? 1_000), least + 1_000) - least + 1)
    }
    case 'string':
      return drawText(schema, known, random)
    case 'array':
      return Array.from({ length: random.below(3) }, () => drawValue(schema.items as Schema, known, random, depth + 1))
    case 'object':
      return drawObject(schema, known, random, depth)
    default:
      return hostileValue(random)
  }
}

function drawObject(schema: Schema, known: KnownValues, random: Random, depth: number): Record<string, unknown> {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>)
  const required = (schema.required ?? []) as string[]
  const kept = properties.filter(([name]) =>
    required.includes(name) ? random.chance(0.98) : random.chance(depth > 2 ? 0.15 : 0.4),
  )
  const made = Object.fromEntries(kept.map(([name, one]) => [name, drawValue(one, known, random, depth + 1)]))
  return random.chance(0.03) ? { ...made, [String(hostileValue(random))]: hostileValue(random) } : made
}

function drawText(schema: Schema, known: KnownValues, random: Random): string {
  if (schema.format === 'date-time') return new Date(random.below(4_102_444_800) * 1000).toISOString()
  if (schema.format === 'email') return `${random.below(1e9)}@example.org`
  if (schema.format === 'uuid' || random.chance(0.3)) return random.pick(known.ids)
  if (schema.pattern === '^#[0-9a-f]{6}$') return '#1d76db'
  const longest = Math.min(Number(schema.maxLength ?? 30), 60)
  const shortest = Number(schema.minLength ?? 0)
  return 'word '.repeat(20).slice(0, shortest + random.below(longest - shortest + 1))
}
